using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using FaceDetection;

const float LeastScore = 0.5f, SameFace = 0.3f;   // MediaPipe's own
const int MeasuredCalls = 500;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args.Length > 2 || args.Any(argument => argument.StartsWith('-')))
{
    Console.Error.WriteLine("usage: FaceDetection [picture (PNG or JPEG) [drawing.png]]");
    return 2;
}

try
{
    Drawing picture = Drawing.Read(args.Length > 0 ? args[0] : Path.Combine(AppContext.BaseDirectory, "assets", "astronaut.jpg"));
    string drawn = args.Length > 1 ? args[1] : "faces.png";
    BlazeFace network = BlazeFace.LoadResource(typeof(BlazeFace).Assembly, "BlazeFace.safetensors");
    Letterbox letterbox = new(picture.Width, picture.Height, BlazeFace.InputShape.Width);
    float[] input = [.. letterbox.Run(picture.Pixels).Select(value => (value / 127.5f) - 1)];
    float[] output = new float[BlazeFace.OutputShape.ElementCount];
    Detect();

    // The scores of both maps stand first, then their boxes.
    int anchors = Anchors.Centres.Length;
    List<Face> found = Anchors.Decode(output.AsSpan(0, anchors), output.AsSpan(anchors), letterbox.Side, LeastScore);
    List<Face> faces = [.. NonMaximumSuppression.Blend(found, SameFace).Select(letterbox.Restore)];
    foreach (Face face in faces)
    {
        picture.Draw(face);
        Console.WriteLine($"face, {face.Score:0.00}: from {face.Left:0}, {face.Top:0} to {face.Right:0}, {face.Bottom:0}");
        foreach ((string name, Point point) in Face.KeyPointNames.Zip(face.KeyPoints))
            Console.WriteLine($"  {name,-9} {point.X,6:0.0}, {point.Y:0.0}");
    }

    picture.Write(drawn);
    Console.WriteLine($"drawing: {drawn}");
    Console.WriteLine($"faces: {faces.Count}");
    Console.WriteLine($"instruction set: {network.InstructionSet}");
    Console.WriteLine($"bits: {Fingerprint(output):x16}");

    // Some calls until the just-in-time compiler has finished, then the measured ones.
    double[] microseconds = new double[MeasuredCalls];
    Measure();
    Measure();
    Array.Sort(microseconds);
    Console.WriteLine($"latency: median {microseconds[MeasuredCalls / 2]:0} us, least {microseconds[0]:0} us");
    return faces.Count > 0 ? 0 : 1;

    void Detect() => network.Forward(input, output);

    void Measure()
    {
        for (int i = 0; i < microseconds.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Detect();
            microseconds[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }
    }
}
catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"failed: {exception.Message}");
    return 2;
}

// 64-bit FNV-1a: two runs with the same line computed the same bits.
static ulong Fingerprint(ReadOnlySpan<float> values)
{
    ulong hash = 0xcbf29ce484222325;
    foreach (byte value in MemoryMarshal.AsBytes(values))
        hash = (hash ^ value) * 0x100000001b3;
    return hash;
}
