using System.Diagnostics;
using EfficientConv.Dsl;
using EfficientConvBlock;

// Load("block.safetensors") takes the state dict of the same PyTorch module.
Block block = Block.CreateRandom(seed: 1);
float[] input = new float[Block.InputShape.ElementCount];
float[] output = new float[Block.OutputShape.ElementCount];
for (int i = 0; i < input.Length; i++)
    input[i] = (i % 17) - 8;
block.Forward(input, output);
Console.WriteLine($"{Block.InputShape} to {Block.OutputShape}: {Block.Cost.Parameters} parameters, {Block.Cost.MultiplyAdds} multiply-adds");

const int Calls = 500;
long start = Stopwatch.GetTimestamp();
for (int i = 0; i < Calls; i++)
    block.Forward(input, output);
Console.WriteLine($"{Stopwatch.GetElapsedTime(start).TotalMicroseconds / Calls:0} us a call, {block.InstructionSet}");
