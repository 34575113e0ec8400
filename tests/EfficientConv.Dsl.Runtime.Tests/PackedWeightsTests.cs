using System.Buffers.Binary;
using Engine = EfficientConv.Dsl.Runtime.ConvNetEngine<EfficientConv.Dsl.Runtime.Tests.TinyProgram>;

namespace EfficientConv.Dsl.Runtime.Tests;

public sealed class PackedWeightsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("packed").FullName;

    private string PathOf => Path.Combine(_folder, "tiny.packed");

    public void Dispose()
    {
        // The mappings go with the engines.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Mapped_weights_give_the_same_bits()
    {
        Engine engine = Engine.CreateRandom(3);
        engine.SavePacked(PathOf);
        Engine mapped = Engine.LoadPacked(PathOf);
        Assert.Equal(Run(engine), Run(mapped));
        Assert.Equal((engine.InstructionSet, engine.PackedWeightBytes), (mapped.InstructionSet, mapped.PackedWeightBytes));

        // What was mapped can be saved again, and the two files are equal.
        string second = Path.Combine(_folder, "second.packed");
        mapped.SavePacked(second);
        Assert.Equal(File.ReadAllBytes(PathOf), File.ReadAllBytes(second));
    }

    [Fact]
    public void Floats_begin_on_a_cache_line()
    {
        Engine.CreateRandom(3).SavePacked(PathOf);
        Assert.Equal(0, (File.ReadAllBytes(PathOf).Length - (TinyProgram.PackedLength(InstructionSet.Scalar) * sizeof(float))) % 64);
    }

    [Fact]
    public void The_file_s_instruction_set_runs_unless_another_is_asked_for()
    {
        Engine.CreateRandom(3, new LoadOptions { InstructionSet = InstructionSet.Scalar }).SavePacked(PathOf);
        Assert.Equal(InstructionSet.Scalar, Engine.LoadPacked(PathOf).InstructionSet);
        Assert.Equal(InstructionSet.Scalar, Engine.LoadPacked(PathOf, new LoadOptions { InstructionSet = InstructionSet.Scalar }).InstructionSet);
        Assert.Contains("Vector128 was asked for", Reason(new LoadOptions { InstructionSet = InstructionSet.Vector128 }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "does not begin as")]
    [InlineData(8, "for instruction set number")]
    [InlineData(13, "its name has")]
    [InlineData(16, "made by another build of Tiny")]
    [InlineData(24, "should hold")]
    [InlineData(32, "checksum")]
    [InlineData(40, "holds the weights of")]
    [InlineData(64, "checksum")]
    [InlineData(191, "checksum")]
    public void Any_changed_byte_is_noticed(int position, string reason)
    {
        Engine.CreateRandom(3).SavePacked(PathOf);
        byte[] bytes = File.ReadAllBytes(PathOf);
        Assert.Equal(192, bytes.Length);
        bytes[position] ^= 0x40;
        File.WriteAllBytes(PathOf, bytes);
        Assert.Contains(reason, Reason(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(39)]
    [InlineData(63)]
    [InlineData(191)]
    public void A_shortened_file_is_noticed(int length)
    {
        Engine.CreateRandom(3).SavePacked(PathOf);
        File.WriteAllBytes(PathOf, File.ReadAllBytes(PathOf)[..length]);
        Assert.NotEmpty(Reason());
    }

    [Fact]
    public void Every_single_bit_of_the_floats_is_in_the_checksum()
    {
        Engine.CreateRandom(3).SavePacked(PathOf);
        byte[] bytes = File.ReadAllBytes(PathOf);
        for (int bit = 64 * 8; bit < bytes.Length * 8; bit += 7)
        {
            byte[] changed = [.. bytes];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(PathOf, changed);
            Assert.Contains("checksum", Reason(), StringComparison.Ordinal);
            File.Delete(PathOf);
        }
    }

    [Fact]
    public void An_instruction_set_that_cannot_run_is_named()
    {
        InstructionSet? missing = new InstructionSet?[] { InstructionSet.Avx512, InstructionSet.Avx2 }.FirstOrDefault(set => !InstructionSets.IsSupported(set!.Value));
        Engine.CreateRandom(3).SavePacked(PathOf);
        byte[] bytes = File.ReadAllBytes(PathOf);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), (uint)(missing ?? (InstructionSet)99));
        File.WriteAllBytes(PathOf, bytes);
        Assert.Contains(missing is null ? "which is unknown" : "which this process cannot run", Reason(), StringComparison.Ordinal);
    }

    private static float[] Run(Engine engine)
    {
        float[] output = new float[TinyProgram.OutputLength];
        engine.Forward([1, 2, 3, 4, 5, 6, 7, 8], output);
        return output;
    }

    /// <summary>Why the file is refused. It is let go at once: who catches the exception writes the file anew, which Windows forbids while it is mapped.</summary>
    private string Reason(LoadOptions? options = null)
    {
        int before = Mappings();
        string message = Assert.Throws<PackedWeightsException>(() => Engine.LoadPacked(PathOf, options)).Message;
        Assert.InRange(Mappings(), 0, before);
        return message;
    }

    /// <summary>How often this process has the file mapped, where the system tells.</summary>
    private int Mappings() => OperatingSystem.IsLinux() ? File.ReadLines("/proc/self/maps").Count(line => line.EndsWith(PathOf, StringComparison.Ordinal)) : 0;
}
