using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using EfficientConv.Dsl;
using MobileNetSample;

const int ShorterSide = 256;   // what torchvision's preset for this network resizes to before it cuts out the centre
const int MeasuredCalls = 50;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Arguments? arguments = Arguments.Parse(args);
if (arguments is null)
{
    Console.Error.WriteLine(Arguments.Usage);
    return 2;
}

try
{
    long begun = Stopwatch.GetTimestamp();
    MobileNetV2 network = Load(arguments.Weights);
    TimeSpan loaded = Stopwatch.GetElapsedTime(begun);
    if (arguments.Save is { } save)
        network.SavePacked(save);

    int size = MobileNetV2.InputShape.Height;
    Picture picture = arguments.Picture is { } path ? Picture.Read(path) : Picture.Synthetic(size, size);
    if ((picture.Width, picture.Height) != (size, size))
    {
        byte[] square = new byte[size * size * (picture.Format == PixelFormat.Gray ? 1 : 3)];
        new ImageResize(picture.Width, picture.Height, ShorterSide, size, size).Run(picture.Pixels, picture.Format, picture.Stride, square);
        picture = new Picture(size, size, picture.Format == PixelFormat.Gray ? PixelFormat.Gray : PixelFormat.Rgb, square);
    }

    float[] logits = new float[MobileNetV2.OutputShape.ElementCount];
    begun = Stopwatch.GetTimestamp();
    network.Forward(picture.Pixels, picture.Format, picture.Stride, logits, arguments.Threads);
    TimeSpan first = Stopwatch.GetElapsedTime(begun);

    PrintTop(logits, arguments.Labels is { } labels ? File.ReadAllLines(labels) : null);
    Console.WriteLine($"instruction set: {network.InstructionSet}");
    Console.WriteLine($"bits: {Fingerprint(logits):x16}");
    Console.WriteLine($"loading: {loaded.TotalMilliseconds:0.0} ms");
    Console.WriteLine($"first call: {first.TotalMilliseconds:0.0} ms");
    if (arguments.Once)
        return 0;

    // Some calls until the just-in-time compiler has finished, then the measured ones.
    double[] milliseconds = new double[MeasuredCalls];
    Measure(milliseconds);
    long before = GC.GetAllocatedBytesForCurrentThread();
    Measure(milliseconds);
    long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
    Array.Sort(milliseconds);
    Console.WriteLine($"latency: median {milliseconds[MeasuredCalls / 2]:0.00} ms, least {milliseconds[0]:0.00} ms, {arguments.Threads} thread(s)");
    Console.WriteLine($"allocated per image: {(allocated + MeasuredCalls - 1) / MeasuredCalls} B");
    if (arguments.Layers)
        PrintLayers();
    if (allocated == 0)
        return 0;
    Console.Error.WriteLine($"failed: {allocated} bytes were allocated in {MeasuredCalls} calls");
    return 1;

    void Measure(double[] times)
    {
        for (int i = 0; i < times.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            network.Forward(picture.Pixels, picture.Format, picture.Stride, logits, arguments.Threads);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    // The least of several calls for each step, so that an interruption does not show. A step is a layer, or a block that is computed as one.
    void PrintLayers()
    {
        (string Layers, TimeSpan Time)[] least = [];
        for (int call = 0; call < MeasuredCalls; call++)
        {
            network.Forward(picture.Pixels, picture.Format, picture.Stride, logits);
            (string Layers, TimeSpan Time)[] times = [.. network.StepTimes];
            least = least.Length == 0 ? times : [.. least.Zip(times, (a, b) => a.Time < b.Time ? a : b)];
        }

        double total = least.Sum(step => step.Time.TotalMicroseconds);
        Console.WriteLine($"{"us",8} {"%",5}  step");
        foreach ((string layers, TimeSpan time) in least)
            Console.WriteLine($"{time.TotalMicroseconds,8:0.0} {100 * time.TotalMicroseconds / total,5:0.0}  {layers}");
        Console.WriteLine($"{total,8:0.0} {100.0,5:0.0}  all");
    }
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or SafetensorsException or WeightsException or PackedWeightsException or InvalidDataException or ArgumentException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

// Without a file: random weights, the same every time.
static MobileNetV2 Load(string? path) => path is null ? MobileNetV2.CreateRandom(seed: 1)
    : path.EndsWith(".packed", StringComparison.OrdinalIgnoreCase) ? MobileNetV2.LoadPacked(path) : MobileNetV2.Load(path);

static void PrintTop(float[] logits, string[]? names)
{
    float[] probabilities = new float[logits.Length];
    Classification.Softmax(logits, probabilities);
    Span<int> top = stackalloc int[5];
    Classification.TopK(probabilities, top);
    foreach (int index in top)
        Console.WriteLine($"{probabilities[index],8:0.0000}  {(names is not null && index < names.Length ? names[index] : $"class {index}")}");
}

// 64-bit FNV-1a: two runs with the same line computed the same bits.
static ulong Fingerprint(ReadOnlySpan<float> values)
{
    ulong hash = 0xcbf29ce484222325;
    foreach (byte value in MemoryMarshal.AsBytes(values))
        hash = (hash ^ value) * 0x100000001b3;
    return hash;
}
