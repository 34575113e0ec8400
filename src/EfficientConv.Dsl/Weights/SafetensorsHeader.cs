using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;

namespace EfficientConv.Dsl;

/// <summary>Reads the JSON header and enforces the rules of the format; a file that passes has no holes, overlaps or leftovers.</summary>
internal ref struct SafetensorsHeader
{
    internal const int LengthPrefix = 8;
    internal const long MaxHeaderLength = 100_000_000;
    internal const int MaxTensors = 1_000_000;
    internal const int MaxNameLength = 4096;
    private const int MaxDepth = 16;
    private const string MetadataKey = "__metadata__";

    // Enum.TryParse would take numbers and lists as well.
    private static readonly Dictionary<string, SafetensorsType> Types =
        Enum.GetValues<SafetensorsType>().ToDictionary(type => type.ToString(), StringComparer.Ordinal);

    private readonly string _source;
    private readonly List<SafetensorsTensor> _tensors = [];
    private readonly Dictionary<string, string> _metadata = [];
    private Utf8JsonReader _reader;

    private SafetensorsHeader(string source, ReadOnlySpan<byte> json)
    {
        _source = source;
        _reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
    }

    /// <summary>Checks the first eight bytes and returns the header's length.</summary>
    /// <param name="source">The file, for messages.</param>
    /// <param name="start">Its bytes as far as a header may reach.</param>
    /// <param name="fileLength">Its length.</param>
    internal static int CheckLength(string source, ReadOnlySpan<byte> start, long fileLength)
    {
        ulong length = fileLength < LengthPrefix ? 0 : System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(start);
        bool fits = fileLength >= LengthPrefix && length <= MaxHeaderLength && (long)length <= fileLength - LengthPrefix;
        if (!fits && FileKinds.OfBytes(start) is { } kind)
            throw SafetensorsException.OtherKind(source, kind);
        if (fileLength < LengthPrefix)
            throw new SafetensorsException(source, "file length", null, "at least 8 bytes", Number(fileLength));
        if (length > MaxHeaderLength)
            throw new SafetensorsException(source, "header length", 0, $"at most {MaxHeaderLength}", length.ToString(CultureInfo.InvariantCulture));
        if (!fits)
        {
            throw new SafetensorsException(
                source, "header length", 0, $"at most the {Number(fileLength - LengthPrefix)} bytes that follow", Number((long)length));
        }
        return (int)length;
    }

    /// <summary>Parses the header; the tensors come back sorted by offset.</summary>
    internal static (List<SafetensorsTensor> Tensors, Dictionary<string, string> Metadata) Parse(
        string source, ReadOnlySpan<byte> json, long fileLength)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
            throw new SafetensorsException(source, "header", LengthPrefix, "'{' as its first byte", json.IsEmpty ? "nothing" : $"0x{json[0]:x2}");
        if (!Utf8.IsValid(json))
            throw new SafetensorsException(source, "header", LengthPrefix, "valid UTF-8", "an invalid byte sequence");

        var header = new SafetensorsHeader(source, json);
        try
        {
            header.ReadTop();
        }
        catch (JsonException e)
        {
            throw new SafetensorsException(source, "header", LengthPrefix + header._reader.BytesConsumed, "valid JSON", e.Message, e);
        }
        catch (InvalidOperationException e)
        {
            // The reader's answer to an escaped half of a surrogate pair.
            throw new SafetensorsException(source, "header", header.Position, "valid Unicode in strings", e.Message, e);
        }
        header.CheckRanges(fileLength - LengthPrefix - json.Length);
        return (header._tensors, header._metadata);
    }

    private readonly long Position => LengthPrefix + _reader.TokenStartIndex;

    private void ReadTop()
    {
        _reader.Read();
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (ReadName("tensor name") is { } name)
        {
            if (!names.Add(name))
                throw Error("key", "unique names", $"\"{name}\" twice");
            _reader.Read();
            if (name == MetadataKey)
            {
                ReadMetadata();
                continue;
            }
            if (_tensors.Count == MaxTensors)
                throw Error("tensor count", $"at most {MaxTensors}", "more");
            ReadTensor(name);
        }
        // Reads on, so that anything but white space after the object is found.
        _reader.Read();
    }

    private void ReadMetadata()
    {
        Require(JsonTokenType.StartObject, MetadataKey, "an object of strings");
        while (ReadName("metadata key") is { } key)
        {
            _reader.Read();
            Require(JsonTokenType.String, $"{MetadataKey} \"{key}\"", "a string");
            if (!_metadata.TryAdd(key, _reader.GetString()!))
                throw Error(MetadataKey, "unique keys", $"\"{key}\" twice");
        }
    }

    private void ReadTensor(string name)
    {
        string what = $"tensor \"{name}\"";
        Require(JsonTokenType.StartObject, what, "an object with dtype, shape and data_offsets");
        SafetensorsType? type = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        var fields = new HashSet<string>(StringComparer.Ordinal);
        while (ReadName("field name") is { } field)
        {
            if (!fields.Add(field))
                throw Error(what, "unique fields", $"\"{field}\" twice");
            _reader.Read();
            switch (field)
            {
                case "dtype":
                    Require(JsonTokenType.String, $"{what} dtype", "a string");
                    type = ParseType(what, _reader.GetString()!);
                    break;
                case "shape":
                    shape = ReadNumbers($"{what} shape");
                    break;
                case "data_offsets":
                    offsets = ReadNumbers($"{what} data_offsets");
                    break;
                default:
                    // As the format's own reader does, so that a later version may add fields.
                    _reader.Skip();
                    break;
            }
        }
        if (type is not { } knownType)
            throw Error(what, "a dtype", "none");
        if (shape is null)
            throw Error(what, "a shape", "none");
        if (offsets is null)
            throw Error(what, "data_offsets", "none");
        if (offsets.Count != 2)
            throw Error(what, "2 data_offsets", Number(offsets.Count));
        if (offsets[0] > offsets[1])
            throw Error(what, "data_offsets in ascending order", $"[{Number(offsets[0])}, {Number(offsets[1])}]");

        Int128 count = 1;
        foreach (long dimension in shape)
        {
            count *= dimension;
            if (count > long.MaxValue)
                throw Error(what, "fewer than 2^63 elements", $"shape {Shape(shape)}");
        }
        Int128 bits = count * BitSize(knownType);
        if (bits != (Int128)(offsets[1] - offsets[0]) * 8)
        {
            string size = bits % 8 == 0 ? (bits / 8).ToString(CultureInfo.InvariantCulture) + " bytes" : "whole bytes";
            throw Error(what, $"{size} for {knownType} {Shape(shape)}", $"{Number(offsets[1] - offsets[0])} bytes");
        }
        _tensors.Add(new SafetensorsTensor(name, knownType, shape, (long)count, offsets[0], offsets[1]));
    }

    private List<long> ReadNumbers(string what)
    {
        Require(JsonTokenType.StartArray, what, "an array of whole numbers");
        var numbers = new List<long>();
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            Require(JsonTokenType.Number, what, "an array of whole numbers");
            if (_reader.ValueSpan[0] == (byte)'-' || !_reader.TryGetInt64(out long number))
                throw Error(what, "whole numbers from 0 to 2^63 - 1", System.Text.Encoding.UTF8.GetString(_reader.ValueSpan));
            numbers.Add(number);
        }
        return numbers;
    }

    private string? ReadName(string what)
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.EndObject)
            return null;
        // An escape takes at most six bytes per character, so that a longer token is too long unread.
        if (_reader.ValueSpan.Length > 6 * MaxNameLength)
            throw Error(what, $"at most {MaxNameLength} characters", $"{Number(_reader.ValueSpan.Length)} bytes");
        string name = _reader.GetString()!;
        if (name.Length > MaxNameLength)
            throw Error(what, $"at most {MaxNameLength} characters", Number(name.Length));
        return name;
    }

    private readonly void Require(JsonTokenType expected, string what, string description)
    {
        if (_reader.TokenType != expected)
            throw Error(what, description, _reader.TokenType.ToString());
    }

    private readonly SafetensorsType ParseType(string what, string name)
    {
        if (Types.TryGetValue(name, out SafetensorsType type))
            return type;
        throw Error(what, "a dtype of the format", $"\"{name}\"");
    }

    private readonly void CheckRanges(long dataLength)
    {
        _tensors.Sort(static (a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long end = 0;
        foreach (SafetensorsTensor tensor in _tensors)
        {
            if (tensor.Begin != end)
                throw new SafetensorsException(_source, $"tensor \"{tensor.Name}\" data_offsets", null, $"begin {Number(end)}", Number(tensor.Begin));
            end = tensor.End;
        }
        if (end != dataLength)
            throw new SafetensorsException(_source, "data", null, $"{Number(end)} bytes, the end of the last tensor", $"{Number(dataLength)} bytes");
    }

    private readonly SafetensorsException Error(string what, string expected, string found) =>
        new(_source, what, Position, expected, found);

    internal static string Shape(IEnumerable<long> shape) =>
        "[" + string.Join(", ", shape.Select(Number)) + "]";

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static int BitSize(SafetensorsType type) => type switch
    {
        SafetensorsType.F4 => 4,
        SafetensorsType.F6_E2M3 or SafetensorsType.F6_E3M2 => 6,
        SafetensorsType.I16 or SafetensorsType.U16 or SafetensorsType.F16 or SafetensorsType.BF16 => 16,
        SafetensorsType.I32 or SafetensorsType.U32 or SafetensorsType.F32 => 32,
        SafetensorsType.C64 or SafetensorsType.F64 or SafetensorsType.I64 or SafetensorsType.U64 => 64,
        _ => 8,
    };
}
