using System.Globalization;
using System.Text;

namespace EfficientConv.Dsl.Runtime.Tests;

/// <summary>Every rule of the format, violated once.</summary>
public class SafetensorsFormatTests
{
    private static readonly byte[] FourBytes = new byte[4];

    private const string Good = """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""";

    [Theory]
    [InlineData("shape as a string", """{"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}}""", "array of whole numbers")]
    [InlineData("shape with a fraction", """{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}""", "1.0")]
    [InlineData("shape with an exponent", """{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}""", "1e0")]
    [InlineData("negative dimension", """{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", "-1")]
    [InlineData("minus zero", """{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,4]}}""", "-0")]
    [InlineData("dimension over 63 bits", """{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}""", "9223372036854775808")]
    [InlineData("product over 63 bits", """{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}""", "fewer than 2^63")]
    [InlineData("product that wraps to the size", """{"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}}""", "fewer than 2^63")]
    [InlineData("size against range", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "8 bytes")]
    [InlineData("half a byte", """{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,4]}}""", "whole bytes")]
    [InlineData("unknown dtype", """{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}""", "F33")]
    [InlineData("dtype as a number", """{"a":{"dtype":"17","shape":[1],"data_offsets":[0,4]}}""", "\"17\"")]
    [InlineData("dtype in small letters", """{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}""", "f32")]
    [InlineData("dtype not a string", """{"a":{"dtype":32,"shape":[1],"data_offsets":[0,4]}}""", "a string")]
    [InlineData("no dtype", """{"a":{"shape":[1],"data_offsets":[0,4]}}""", "a dtype")]
    [InlineData("no shape", """{"a":{"dtype":"F32","data_offsets":[0,4]}}""", "a shape")]
    [InlineData("no offsets", """{"a":{"dtype":"F32","shape":[1]}}""", "data_offsets")]
    [InlineData("three offsets", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}""", "2 data_offsets")]
    [InlineData("offsets reversed", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", "ascending")]
    [InlineData("hole at the start", """{"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}""", "begin 0")]
    [InlineData("hole in the middle", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "begin 1")]
    [InlineData("overlap", """{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "begin 3")]
    [InlineData("data left over", """{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", "3 bytes")]
    [InlineData("range beyond the file", """{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}""", "5 bytes")]
    [InlineData("no tensors but data", "{}", "0 bytes")]
    [InlineData("duplicate tensor", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "\"a\" twice")]
    [InlineData("duplicate by escape", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}""", "\"a\" twice")]
    [InlineData("duplicate field", """{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "\"dtype\" twice")]
    [InlineData("duplicate metadata", """{"__metadata__":{},"__metadata__":{},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "twice")]
    [InlineData("duplicate metadata key", """{"__metadata__":{"k":"1","k":"2"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "\"k\" twice")]
    [InlineData("metadata not strings", """{"__metadata__":{"k":1},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "a string")]
    [InlineData("metadata null", """{"__metadata__":null,"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "object of strings")]
    [InlineData("tensor not an object", """{"a":1}""", "an object")]
    [InlineData("not an object", """[1]""", "'{'")]
    [InlineData("space first", """ {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "'{'")]
    [InlineData("empty header", "", "'{'")]
    [InlineData("cut off", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}""", "valid JSON")]
    [InlineData("text after the object", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}x""", "valid JSON")]
    [InlineData("trailing comma", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}""", "valid JSON")]
    [InlineData("comment", """{/**/"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "valid JSON")]
    [InlineData("half a surrogate pair", """{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "valid Unicode")]
    [InlineData("too deep", """{"a":{"x":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]],"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "valid JSON")]
    public void Violated_header_rule_is_refused(string rule, string header, string told)
    {
        _ = rule;
        var e = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(SafetensorsBytes.Create(header, FourBytes)));
        Assert.Contains(told, e.Message, StringComparison.Ordinal);
        Assert.StartsWith("bytes: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_shorter_than_eight_bytes_is_refused()
    {
        var e = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(new byte[7]));
        Assert.Equal("7", e.Found);
    }

    [Theory]
    [InlineData(100_000_001UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    public void Header_longer_than_the_cap_is_refused(ulong length)
    {
        byte[] file = SafetensorsBytes.Create(Encoding.UTF8.GetBytes(Good), FourBytes, length);
        var e = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(file));
        Assert.Equal(0, e.Offset);
        Assert.Equal(length.ToString(CultureInfo.InvariantCulture), e.Found);
    }

    [Fact]
    public void Header_longer_than_the_file_is_refused()
    {
        byte[] file = SafetensorsBytes.Create(Encoding.UTF8.GetBytes(Good), FourBytes, 1000);
        Assert.Contains("bytes that follow", Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Invalid_utf8_is_refused()
    {
        byte[] header = Encoding.UTF8.GetBytes(Good);
        header[2] = 0xff;
        var e = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(SafetensorsBytes.Create(header, FourBytes)));
        Assert.Equal("valid UTF-8", e.Expected);
    }

    [Theory]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    [InlineData(100_000, false)]
    public void Name_length_is_capped(int length, bool legal)
    {
        byte[] file = SafetensorsBytes.Create(Good.Replace("\"a\"", $"\"{new string('n', length)}\"", StringComparison.Ordinal), FourBytes);
        if (legal)
            Assert.Equal(length, SafetensorsFile.Read(file).Tensors[0].Name.Length);
        else
            Assert.Contains("4096", Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tensor_count_is_capped()
    {
        var header = new StringBuilder("{");
        for (int i = 0; i <= 1_000_000; i++)
            header.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? "" : ",")}\"{i}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        byte[] file = SafetensorsBytes.Create(header.Append('}').ToString());
        Assert.Contains("at most 1000000", Assert.Throws<SafetensorsException>(() => SafetensorsFile.Read(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Legal_oddities_are_accepted()
    {
        const string header = """
            {"scalar":{"dtype":"F32","shape":[],"data_offsets":[2,6],"later":{"version":[1]}},
             "empty":{"dtype":"F64","shape":[3,0],"data_offsets":[2,2]},
             "__metadata__":{"format":"pt"},
             "nibbles":{"data_offsets":[0,2],"shape":[4],"dtype":"F4"}}
            """;
        using SafetensorsFile file = SafetensorsFile.Read(SafetensorsBytes.Create(header + "   ", 0, 0, 0, 0, 0x80, 0x3f));
        Assert.Equal(["nibbles", "empty", "scalar"], file.Tensors.Select(t => t.Name));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal([1f], file.ReadSingle("scalar"));
        Assert.Empty(file.ReadSingle("empty"));
        Assert.Equal([3L, 0L], file.Tensors[1].Shape);
    }

    [Fact]
    public void Every_dtype_of_the_format_is_known()
    {
        foreach (SafetensorsType type in Enum.GetValues<SafetensorsType>())
        {
            string header = $$$"""{"a":{"dtype":"{{{type}}}","shape":[0],"data_offsets":[0,0]}}""";
            Assert.Equal(type, SafetensorsFile.Read(SafetensorsBytes.Create(header)).Tensors[0].Type);
        }
        Assert.Equal(22, Enum.GetValues<SafetensorsType>().Length);
    }
}
