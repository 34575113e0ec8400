using System.ComponentModel;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EfficientConv.Dsl.Runtime;

/// <summary>Holds a network's packed weights and workspaces and runs its program. Immutable and safe for many threads at once.</summary>
/// <typeparam name="TProgram">The generated program.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed unsafe class ConvNetEngine<TProgram>
    where TProgram : struct, INetworkProgram
{
    private readonly PackedWeights _weights;
    private readonly InstancePool<AlignedBuffer> _workspaces;
    private readonly InstancePool<ThreadTeam> _teams;
    private readonly int _inputLength;
    private readonly int _outputLength;

    private ConvNetEngine(InstructionSet instructionSet, Dictionary<string, float[]> values)
        : this(instructionSet, Pack(instructionSet, values))
    {
    }

    private ConvNetEngine(InstructionSet instructionSet, PackedWeights weights)
    {
        InstructionSet = instructionSet;
        _inputLength = checked((int)TProgram.InputShape.ElementCount);
        _outputLength = checked((int)TProgram.OutputShape.ElementCount);
        _weights = weights;
        int workspace = TProgram.WorkspaceLength(instructionSet), scratch = TProgram.PartScratchLength(instructionSet);
        _workspaces = new InstancePool<AlignedBuffer>(() => new AlignedBuffer(workspace));
        _teams = new InstancePool<ThreadTeam>(() => new ThreadTeam(this, workspace, scratch));
    }

    /// <summary>The instruction set that this instance runs; not Auto.</summary>
    public InstructionSet InstructionSet { get; }

    /// <summary>Bytes of scratch memory per concurrent caller.</summary>
    public long WorkspaceBytes => (long)TProgram.WorkspaceLength(InstructionSet) * sizeof(float);

    /// <summary>Bytes of the packed weights.</summary>
    public long PackedWeightBytes => (long)_weights.Length * sizeof(float);

    /// <summary>Loads a file; see <see cref="IConvNet{TSelf}.Load(string, LoadOptions?)"/>.</summary>
    public static ConvNetEngine<TProgram> Load(string path, LoadOptions? options = null)
    {
        InstructionSet instructionSet = Resolve(options);
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (SafetensorsIndex.IsIndex(path))
        {
            using SafetensorsIndex index = SafetensorsIndex.Open(path);
            return Load(instructionSet, path, index.Shards, options);
        }
        using SafetensorsFile file = SafetensorsFile.Open(path);
        return Load(instructionSet, path, [file], options);
    }

    /// <summary>Loads a stream; see <see cref="IConvNet{TSelf}.Load(Stream, LoadOptions?)"/>.</summary>
    public static ConvNetEngine<TProgram> Load(Stream stream, LoadOptions? options = null) => Load(stream, "stream", options);

    /// <summary>Loads bytes; see <see cref="IConvNet{TSelf}.Load(ReadOnlySpan{byte}, LoadOptions?)"/>.</summary>
    public static ConvNetEngine<TProgram> Load(ReadOnlySpan<byte> safetensors, LoadOptions? options = null)
    {
        InstructionSet instructionSet = Resolve(options);
        using SafetensorsFile file = SafetensorsFile.Read(safetensors);
        return Load(instructionSet, "bytes", [file], options);
    }

    /// <summary>Loads an embedded resource; see <see cref="IConvNet{TSelf}.LoadResource"/>.</summary>
    public static ConvNetEngine<TProgram> LoadResource(Assembly assembly, string name, LoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        ArgumentException.ThrowIfNullOrEmpty(name);
        using Stream? stream = assembly.GetManifestResourceStream(name);
        if (stream is null)
        {
            string[] names = assembly.GetManifestResourceNames();
            string there = names.Length == 0 ? "none" : string.Join(", ", names);
            throw new FileNotFoundException($"Assembly {assembly.GetName().Name} has no embedded resource \"{name}\"; it has: {there}.", name);
        }
        return Load(stream, $"resource {name}", options);
    }

    /// <summary>Maps a file of packed weights; see <see cref="IConvNet{TSelf}.LoadPacked"/>.</summary>
    public static ConvNetEngine<TProgram> LoadPacked(string path, LoadOptions? options = null)
    {
        PackedWeightsFile file = PackedWeightsFile.Open(path);
        if (Refusal(file, options) is { } reason)
        {
            // At once: Windows does not let a mapped file be written anew, which is what the caller will do.
            file.Dispose();
            throw new PackedWeightsException(path, reason);
        }
        return new(file.InstructionSet, new PackedWeights(file));
    }

    /// <summary>Why a file does not fit this network, this process or the options; null where it does.</summary>
    private static string? Refusal(PackedWeightsFile file, LoadOptions? options)
    {
        InstructionSet set = file.InstructionSet;
        if (file.Network != TProgram.NetworkName)
            return $"it holds the weights of {file.Network}, not of {TProgram.NetworkName}";
        if (!InstructionSets.IsSupported(set))
            return $"it is for {set}, which this process cannot run ({InstructionSets.Best} is the best that it can)";
        if (options is { InstructionSet: not InstructionSet.Auto } && options.InstructionSet != set)
            return $"it is for {set}, and {options.InstructionSet} was asked for";
        if (file.Layout != TProgram.LayoutHash(set) || file.Length != TProgram.PackedLength(set))
            return $"it was made by another build of {TProgram.NetworkName}, whose kernels read the weights in another order";
        return file.IsIntact() ? null : "its checksum is wrong";
    }

    /// <summary>Writes the packed weights; see <see cref="IConvNet{TSelf}.SavePacked"/>.</summary>
    public void SavePacked(string path)
    {
        PackedWeightsFile.Write(path, TProgram.NetworkName, InstructionSet, TProgram.LayoutHash(InstructionSet), _weights.Span);
        _weights.KeepAlive();
    }

    /// <summary>Makes random weights; see <see cref="IConvNet{TSelf}.CreateRandom"/>.</summary>
    public static ConvNetEngine<TProgram> CreateRandom(int seed, LoadOptions? options = null) =>
        new(Resolve(options), RandomWeights.Create(TProgram.Parameters, seed));

    /// <summary>Runs one image; see <see cref="IConvNet{TSelf}.Forward(ReadOnlySpan{float}, Span{float})"/>.</summary>
    public void Forward(ReadOnlySpan<float> input, Span<float> output)
    {
        Check(1, input, output);
        AlignedBuffer workspace = _workspaces.Rent();
        Run(ref MemoryMarshal.GetReference(input), ref MemoryMarshal.GetReference(output), workspace, default);
        // Not in a finally block: after an exception nobody knows what the workspace holds, so it is dropped.
        _workspaces.Return(workspace);
    }

    /// <summary>Runs a batch; see <see cref="IConvNet{TSelf}.Forward(int, ReadOnlySpan{float}, Span{float}, int)"/>.</summary>
    public void Forward(int batch, ReadOnlySpan<float> input, Span<float> output, int threads = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Check(batch, input, output);
        threads = Math.Min(threads, ParallelRegion.MostParts);
        fixed (float* inputStart = input, outputStart = output)
        {
            // As many images as give every thread the same number go to one thread each; all threads together run each of the others.
            int whole = batch / threads * threads;
            var job = new Job { First = 0, End = whole, Input = inputStart, Output = outputStart };
            if (threads == 1)
                RunImages(this, &job, 0, 1);
            else if (whole > 0)
                ParallelRegion.Run(threads, &RunImages, this, &job);
            if (whole == batch)
                return;

            job.First = whole;
            job.End = batch;
            ThreadTeam team = _teams.Rent();
            team.Reserve(threads);
            ParallelRegion.Run(threads, &RunShares, team, &job);
            _teams.Return(team);
        }
    }

    /// <summary>Runs one image of bytes; the network must have an <see cref="ImageInputAttribute"/>.</summary>
    public void Forward(ReadOnlySpan<byte> pixels, PixelFormat format, int stride, Span<float> output, int threads = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        TensorShape shape = TProgram.InputShape;
        if (shape.Channels == 1 && format != PixelFormat.Gray)
            throw new ArgumentException($"{TProgram.NetworkName} has one input channel and takes pixels of {nameof(PixelFormat.Gray)}, found {format}.", nameof(format));
        PixelRows.Check(TProgram.NetworkName, pixels.Length, format, stride, shape.Width, shape.Height, nameof(pixels));
        CheckLength(nameof(output), 1, _outputLength, TProgram.OutputShape, output.Length);
        if (pixels.Overlaps(MemoryMarshal.AsBytes(output)))
            throw new ArgumentException($"The output of {TProgram.NetworkName} must not overlap the image.", nameof(output));
        fixed (byte* pixelsStart = pixels)
        fixed (float* outputStart = output)
        {
            var rows = new ImageRows(pixelsStart, format, stride, TProgram.Image!);
            threads = Math.Min(threads, ParallelRegion.MostParts);
            if (threads == 1)
            {
                AlignedBuffer workspace = _workspaces.Rent();
                Run(in rows, outputStart, workspace, default);
                _workspaces.Return(workspace);
                return;
            }

            var job = new ImageJob { Rows = rows, Output = outputStart };
            ThreadTeam team = _teams.Rent();
            team.Reserve(threads);
            ParallelRegion.Run(threads, &RunImageShares, team, &job);
            _teams.Return(team);
        }
    }

    private static PackedWeights Pack(InstructionSet instructionSet, Dictionary<string, float[]> values)
    {
        var weights = new PackedWeights(TProgram.PackedLength(instructionSet));
        TProgram.Pack(instructionSet, new WeightReader(values), weights.Span);
        return weights;
    }

    private static InstructionSet Resolve(LoadOptions? options) =>
        InstructionSets.Resolve(options?.InstructionSet ?? InstructionSet.Auto);

    private static ConvNetEngine<TProgram> Load(Stream stream, string source, LoadOptions? options)
    {
        InstructionSet instructionSet = Resolve(options);
        using SafetensorsFile file = SafetensorsFile.Read(stream, source);
        return Load(instructionSet, source, [file], options);
    }

    private static ConvNetEngine<TProgram> Load(InstructionSet instructionSet, string source, IReadOnlyList<SafetensorsFile> files, LoadOptions? options) =>
        new(instructionSet, Checkpoint.Read(TProgram.NetworkName, source, TProgram.Parameters, TProgram.Reparameterized, files, options));

    /// <summary>Runs a part's images.</summary>
    private static void RunImages(object target, void* state, int part, int parts)
    {
        var engine = (ConvNetEngine<TProgram>)target;
        Job* job = (Job*)state;
        int count = job->End - job->First;
        int first = job->First + (int)((long)count * part / parts);
        int end = job->First + (int)((long)count * (part + 1) / parts);
        AlignedBuffer workspace = engine._workspaces.Rent();
        for (int image = first; image < end; image++)
            engine.Run(job, image, workspace, default);
        engine._workspaces.Return(workspace);
    }

    /// <summary>Runs a part's share of every image.</summary>
    private static void RunShares(object target, void* state, int part, int parts)
    {
        var team = (ThreadTeam)target;
        var engine = (ConvNetEngine<TProgram>)team.Owner;
        Job* job = (Job*)state;
        try
        {
            for (int image = job->First; image < job->End; image++)
            {
                engine.Run(job, image, team.Workspace, new Part(team, part, parts));
                team.Wait(parts);
            }
        }
        catch
        {
            // The others must not wait for this part.
            team.Disband();
            throw;
        }
    }

    /// <summary>Runs a part's share of an image of bytes.</summary>
    private static void RunImageShares(object target, void* state, int part, int parts)
    {
        var team = (ThreadTeam)target;
        ImageJob* job = (ImageJob*)state;
        try
        {
            ((ConvNetEngine<TProgram>)team.Owner).Run(in job->Rows, job->Output, team.Workspace, new Part(team, part, parts));
            team.Wait(parts);
        }
        catch
        {
            // The others must not wait for this part.
            team.Disband();
            throw;
        }
    }

    private void Run(in ImageRows image, float* output, AlignedBuffer workspace, Part part)
    {
        TProgram.RunImage(InstructionSet, in image, ref Unsafe.AsRef<float>(output), ref _weights.First, ref workspace.First, part);
        _weights.KeepAlive();
    }

    private void Run(Job* job, int image, AlignedBuffer workspace, Part part) => Run(
        ref Unsafe.AsRef<float>(job->Input + ((nint)image * _inputLength)),
        ref Unsafe.AsRef<float>(job->Output + ((nint)image * _outputLength)),
        workspace,
        part);

    private void Run(ref float input, ref float output, AlignedBuffer workspace, Part part)
    {
        TProgram.Run(InstructionSet, ref input, ref output, ref _weights.First, ref workspace.First, part);
        _weights.KeepAlive();
    }

    private void Check(int batch, ReadOnlySpan<float> input, Span<float> output)
    {
        CheckLength(nameof(input), batch, _inputLength, TProgram.InputShape, input.Length);
        CheckLength(nameof(output), batch, _outputLength, TProgram.OutputShape, output.Length);
        if (input.Overlaps(output))
            throw new ArgumentException($"The output of {TProgram.NetworkName} must not overlap the input.", nameof(output));
    }

    private static void CheckLength(string name, int batch, int length, TensorShape shape, int found)
    {
        if (found != (long)batch * length)
        {
            string images = batch == 1 ? "" : $"{batch} images of ";
            throw new ArgumentException(
                $"The {name} of {TProgram.NetworkName} must have {(long)batch * length} elements ({images}{shape}), found {found}.", name);
        }
    }

    private struct ImageJob
    {
        internal ImageRows Rows;
        internal float* Output;
    }

    private struct Job
    {
        internal int First;
        internal int End;
        internal float* Input;
        internal float* Output;
    }
}
