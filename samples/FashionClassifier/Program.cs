using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using FashionClassifier;

const int MeasuredPasses = 5;
const double RequiredAccuracy = 0.92;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
int classes = (int)FashionNet.OutputShape.ElementCount;
FashionData data = FashionData.Load(Path.Combine(AppContext.BaseDirectory, "assets"));
FashionNet network = FashionNet.LoadResource(typeof(FashionNet).Assembly, "fashion.safetensors");

float[] images = data.Normalised();
float[] logits = new float[data.Count * classes];
double[] microseconds = new double[MeasuredPasses * data.Count];

// The first pass makes the workspace and lets the just-in-time compiler finish; the others are measured.
ClassifyAll(microseconds.AsSpan(0, data.Count));
long allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
ClassifyAll(microseconds);
long allocated = GC.GetAllocatedBytesForCurrentThread() - allocatedBefore;

int correct = 0;
int identical = 0;
float difference = 0;
int[] predictions = new int[data.Count];
for (int image = 0; image < data.Count; image++)
{
    ReadOnlySpan<float> ours = logits.AsSpan(image * classes, classes);
    ReadOnlySpan<float> reference = data.Logits.AsSpan(image * classes, classes);
    predictions[image] = IndexOfMax(ours);
    if (predictions[image] == data.Label(image))
        correct++;
    if (predictions[image] == IndexOfMax(reference))
        identical++;
    for (int i = 0; i < classes; i++)
        difference = MathF.Max(difference, MathF.Abs(ours[i] - reference[i]));   // MathF.Max keeps a NaN
}

foreach ((int Image, int Prediction)[] row in ChooseImages().Chunk(3))
    Console.WriteLine(Pictures.Draw(data, row));

Array.Sort(microseconds);
double accuracy = (double)correct / data.Count;
long allocatedPerImage = (allocated + microseconds.Length - 1) / microseconds.Length;
Console.WriteLine($"instruction set: {network.InstructionSet}");
Console.WriteLine($"bits: {Fingerprint(logits):x16}");
Console.WriteLine($"predictions identical to PyTorch's: {identical} of {data.Count}");
Console.WriteLine($"accuracy: {accuracy:0.0000} ({data.Count} images)");
Console.WriteLine($"max |logit - PyTorch|: {difference:0.0e-00}");
Console.WriteLine($"latency: median {Percentile(0.5):0.0} us, p99 {Percentile(0.99):0.0} us");
Console.WriteLine($"allocated per image: {allocatedPerImage} B");

List<string> failures = [];
if (accuracy < RequiredAccuracy)
    failures.Add($"the accuracy is below {RequiredAccuracy}");
if (identical != data.Count)
    failures.Add("predictions differ from PyTorch's");
if (!(difference < 1e-4f))
    failures.Add("logits differ from PyTorch's by 1e-4 or more");
if (allocated > 0)
    failures.Add($"{allocated} bytes were allocated in {microseconds.Length} calls");
foreach (string failure in failures)
    Console.Error.WriteLine($"failed: {failure}");
return failures.Count == 0 ? 0 : 1;

// One image after the other, round and round, as many as there are places for the times.
void ClassifyAll(Span<double> times)
{
    for (int call = 0; call < times.Length; call++)
    {
        int image = call % data.Count;
        long start = Stopwatch.GetTimestamp();
        network.Forward(images.AsSpan(image * FashionData.Pixels, FashionData.Pixels), logits.AsSpan(image * classes, classes));
        times[call] = (Stopwatch.GetTimestamp() - start) * 1e6 / Stopwatch.Frequency;
    }
}

// The first images, each of another class, and the first mistake.
List<(int Image, int Prediction)> ChooseImages()
{
    List<(int Image, int Prediction)> chosen = [];
    for (int image = 0; image < data.Count && chosen.Count < 5; image++)
    {
        if (predictions[image] == data.Label(image) && chosen.TrueForAll(c => c.Prediction != predictions[image]))
            chosen.Add((image, predictions[image]));
    }
    for (int image = 0; image < data.Count && chosen.Count < 6; image++)
    {
        if (predictions[image] != data.Label(image))
            chosen.Add((image, predictions[image]));
    }
    return chosen;
}

double Percentile(double fraction) => microseconds[(int)(fraction * (microseconds.Length - 1))];

static int IndexOfMax(ReadOnlySpan<float> values)
{
    int best = 0;
    for (int i = 1; i < values.Length; i++)
    {
        if (values[i] > values[best])
            best = i;
    }
    return best;
}

// 64-bit FNV-1a: two runs with the same line computed the same bits.
static ulong Fingerprint(ReadOnlySpan<float> values)
{
    ulong hash = 0xcbf29ce484222325;
    foreach (byte value in MemoryMarshal.AsBytes(values))
        hash = (hash ^ value) * 0x100000001b3;
    return hash;
}
