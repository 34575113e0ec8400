using System.Reflection;
using System.Runtime.InteropServices;
using EfficientConv.Dsl.Runtime;

namespace EfficientConv.Dsl.Tests.Harness;

/// <summary>Runs a generated program with an inaccessible page next to each of its buffers: one access outside ends the process.</summary>
internal abstract class GuardedProgram
{
    /// <summary>Packs <paramref name="values"/> and runs the first image of <paramref name="input"/>.</summary>
    public abstract void Run(InstructionSet set, Dictionary<string, float[]> values, float[] input);

    /// <summary>The program of the network class <paramref name="network"/>: what its engine is made of.</summary>
    public static GuardedProgram For(Type network) => (GuardedProgram)Activator.CreateInstance(
        typeof(Program<>).MakeGenericType(network.GetFields(BindingFlags.Instance | BindingFlags.NonPublic).Single(IsEngine).FieldType.GetGenericArguments()))!;

    private static bool IsEngine(FieldInfo field) => field.FieldType.IsGenericType && field.FieldType.GetGenericTypeDefinition() == typeof(ConvNetEngine<>);

    private sealed class Program<T> : GuardedProgram
        where T : struct, INetworkProgram
    {
        public override void Run(InstructionSet set, Dictionary<string, float[]> values, float[] input)
        {
            WeightReader reader = (WeightReader)Activator.CreateInstance(
                typeof(WeightReader), BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public, null, [values], null)!;
            int inputLength = (int)T.InputShape.ElementCount;
            float[] first = new float[T.OutputShape.ElementCount];
            foreach (bool atEnd in new[] { true, false })
            {
                using GuardedBuffer image = new(inputLength, atEnd), result = new(first.Length, atEnd), weights = new(T.PackedLength(set), atEnd), workspace = new(T.WorkspaceLength(set), atEnd);
                T.Pack(set, reader, weights.Span);
                input.AsSpan(0, inputLength).CopyTo(image.Span);
                T.Run(set, ref image.Span[0], ref result.Span[0], ref weights.Span[0], ref workspace.Span[0], default);
                if (atEnd)
                    result.Span.CopyTo(first);
                else
                    Numbers.AssertSameBits(first, result.Span, () => $"{set}, buffers elsewhere");
            }
        }
    }

    /// <summary>Floats that begin or end at a page that may not be touched.</summary>
    private sealed unsafe class GuardedBuffer : IDisposable
    {
        private const int ReadWrite = 3, NoAccess = 0, PrivateAnonymous = 0x22;

        private readonly nint _block;
        private readonly nuint _size;
        private readonly float* _start;
        private readonly int _length;

        public GuardedBuffer(int length, bool atEnd)
        {
            nuint page = (nuint)Environment.SystemPageSize, bytes = ((nuint)length * sizeof(float)) + page - 1;
            bytes -= bytes % page;
            _size = bytes + (2 * page);
            _block = Map(0, _size, ReadWrite, PrivateAnonymous, -1, 0);
            byte* inside = (byte*)_block + page;
            _start = (float*)(atEnd ? inside + bytes - ((nuint)length * sizeof(float)) : inside);
            _length = length;
            if (_block == -1 || Protect(_block, page, NoAccess) != 0 || Protect((nint)(inside + bytes), page, NoAccess) != 0)
                throw new InvalidOperationException("No guarded memory.");
        }

        public Span<float> Span => new(_start, _length);

        public void Dispose() => _ = Unmap(_block, _size);

        [DllImport("libc", EntryPoint = "mmap")]
        private static extern nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

        [DllImport("libc", EntryPoint = "mprotect")]
        private static extern int Protect(nint address, nuint length, int protection);

        [DllImport("libc", EntryPoint = "munmap")]
        private static extern int Unmap(nint address, nuint length);
    }
}
