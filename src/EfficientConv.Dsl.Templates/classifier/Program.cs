using System.Diagnostics;
using EfficientConv.Dsl;
using EfficientConvClassifier;
using StbImageSharp;

// The weights were written by PyTorch: safetensors.torch.save_file(model.state_dict(), "weights.safetensors")
Classifier network = Classifier.LoadResource(typeof(Classifier).Assembly, "weights.safetensors");

string path = args.Length > 0 ? args[0] : Path.Combine(AppContext.BaseDirectory, "picture.png");
ImageResult picture = ImageResult.FromMemory(File.ReadAllBytes(path), ColorComponents.Grey);

// The shorter side to the network's size, then the centre.
(int width, int height) = (Classifier.InputShape.Width, Classifier.InputShape.Height);
byte[] pixels = new byte[width * height];
new ImageResize(picture.Width, picture.Height, shorterSide: width, cropWidth: width, cropHeight: height).Run(picture.Data, PixelFormat.Gray, picture.Width, pixels);

float[] output = new float[Classifier.OutputShape.ElementCount];
network.Forward(pixels, PixelFormat.Gray, width, output);
Classification.Softmax(output, output);
int[] best = new int[3];
Classification.TopK(output, best);
foreach (int index in best)
    Console.WriteLine($"{Classifier.ClassNames[index],-12} {output[index] * 100,5:0.0} %");

const int Calls = 2000;
long start = Stopwatch.GetTimestamp();
for (int i = 0; i < Calls; i++)
    network.Forward(pixels, PixelFormat.Gray, width, output);
Console.WriteLine($"{Stopwatch.GetElapsedTime(start).TotalMicroseconds / Calls:0} us a picture, {network.InstructionSet}");
