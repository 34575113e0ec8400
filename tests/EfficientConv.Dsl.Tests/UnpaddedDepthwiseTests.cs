using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Folding;
using EfficientConv.Dsl.Compiler.Fusion;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Scheduling.Nests;
using EfficientConv.Dsl.Compiler.Targets;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.Reference;

namespace EfficientConv.Dsl.Tests;

/// <summary>Depthwise layers that read planes where they lie, against the reference in double precision, with the same bits as the other forms.</summary>
public sealed class UnpaddedDepthwiseTests
{
    private const int Images = 2;

    private static readonly string[] s_declarations =
    [
        // Several rows, one row and parts of a row in a vector; the last vector whole and in part.
        "[InputShape(20, 7, 7)] [DepthwiseConv2d(3, padding: 1), ReLU6]",
        "[InputShape(5, 14, 14)] [DepthwiseConv2d(3, padding: 1), BatchNorm, ReLU]",
        "[InputShape(3, 4, 4)] [DepthwiseConv2d(3, padding: 1)]",
        "[InputShape(9, 5, 3)] [DepthwiseConv2d(3, padding: 1), HardSwish]",
        "[InputShape(4, 6, 16)] [DepthwiseConv2d(3, padding: 1), ReLU6]",
        "[InputShape(4, 5, 19)] [DepthwiseConv2d(3, padding: 1), SiLU]",
        "[InputShape(6, 12, 1)] [DepthwiseConv2d(3, padding: 1)]",
        "[InputShape(7, 1, 9)] [DepthwiseConv2d(3, padding: 1)]",
        "[InputShape(2, 16, 8)] [DepthwiseConv2d(3, padding: 1), LeakyReLU(0.2)]",

        // Other windows; rows and columns of taps that never meet the map.
        "[InputShape(6, 7, 7)] [DepthwiseConv2d(5, padding: 2), ReLU6]",
        "[InputShape(6, 6, 11)] [DepthwiseConv2d(3, padding: 2, dilation: 2)]",
        "[InputShape(5, 3, 5)] [DepthwiseConv2d(3, padding: 4, dilation: 4)]",
        "[InputShape(5, 3, 6)] [DepthwiseConv2d(2, dilation: 5, PaddingTop = 2, PaddingBottom = 3, PaddingLeft = 3, PaddingRight = 2)]",
        "[InputShape(8, 7, 9)] [DepthwiseConv2d(2, PaddingTop = 0, PaddingBottom = 1, PaddingLeft = 1, PaddingRight = 0)]",

        // Planes that stay planes from layer to layer.
        "[InputShape(24, 7, 7)] [DepthwiseConv2d(3, padding: 1), ReLU6] [DepthwiseConv2d(3, padding: 1), ReLU6] [DepthwiseConv2d(5, padding: 2)]",

        // Stride 2: even and odd widths, padding on either side or none, tall kernels, other vertical strides.
        "[InputShape(3, 12, 32)] [DepthwiseConv2d(3, stride: 2, padding: 1), ReLU6]",
        "[InputShape(3, 9, 33)] [DepthwiseConv2d(3, stride: 2, padding: 1)]",
        "[InputShape(2, 13, 56)] [DepthwiseConv2d(5, stride: 2, padding: 2), ReLU]",
        "[InputShape(2, 8, 112)] [DepthwiseConv2d(3, stride: 2, PaddingRight = 1, PaddingBottom = 1), HardSigmoid]",
        "[InputShape(2, 8, 57)] [DepthwiseConv2d(3, stride: 2), SiLU]",
        "[InputShape(2, 9, 70)] [DepthwiseConv2d(3, stride: 2, padding: 2, dilation: 2)]",
        "[InputShape(2, 7, 40)] [DepthwiseConv2d(3, stride: 2, padding: 1, StrideHeight = 1)]",
        "[InputShape(2, 6, 256)] [DepthwiseConv2d(3, stride: 2, padding: 1)]",
    ];

    private static readonly Lazy<NetworkBatch> s_batch = new(() => NetworkBatch.Compile(s_declarations.Select((text, i) => (Name(i), text))));

    public static TheoryData<int, string> Declarations
    {
        get
        {
            TheoryData<int, string> data = [];
            for (int i = 0; i < s_declarations.Length; i++)
                data.Add(i, s_declarations[i]);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void EveryLayer_IsReadWhereItLies(int index, string text)
    {
        Assert.Equal(s_declarations[index], text);
        Assert.All(Plan(text, VectorTarget.Avx512).Steps, step => Assert.Equal("UnpaddedDepthwise", step.Nest.Title));
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void Output_AgreesWithReferenceAndHasTheSameBitsEverywhere(int index, string text)
    {
        (NetworkFactory factory, float[] input) = (s_batch.Value[Name(index)], Input(index));
        IReadOnlyList<(string Name, int[] Shape, float[] Values)> weights = RandomValues.Weights(factory.Parameters, index);
        double[] expected = new NaiveNetwork(DeclarationText.Graph(text), weights).RunBatch(input);
        float[] first = Load(index, Numbers.Sets[0]).Run(input, Images, factory.OutputShape), garbage = [.. input];
        Numbers.AssertClose(expected, first, 1e-5, () => text);
        Array.Fill(garbage, float.NaN);
        foreach (InstructionSet set in Numbers.Sets)
        {
            NetworkHandle network = Load(index, set);
            network.Run(garbage, Images, factory.OutputShape);
            Numbers.AssertSameBits(first, network.Run(input, Images, factory.OutputShape), () => $"{set}: {text}");
        }
    }

    /// <summary>Vectors reach over the ends of rows and planes; what they find there must not come out.</summary>
    [Theory]
    [MemberData(nameof(Declarations))]
    public void NaN_SpreadsAsInReference(int index, string text)
    {
        NetworkFactory factory = s_batch.Value[Name(index)];
        NaiveNetwork reference = new(DeclarationText.Graph(text), RandomValues.Weights(factory.Parameters, index));
        int width = factory.InputShape.Width, plane = width * factory.InputShape.Height, length = (int)factory.InputShape.ElementCount;
        foreach (int at in new[] { 0, width - 1, plane - 1, plane, length - plane - 1, length - width, length - 1 })
        {
            float[] input = Input(index);
            input[Math.Clamp(at, 0, length - 1)] = float.NaN;
            double[] expected = reference.RunBatch(input);
            foreach (InstructionSet set in Numbers.Sets)
                Numbers.AssertClose(expected, Load(index, set).Run(input, Images, factory.OutputShape), 1e-5, () => $"{set}, NaN at {at}: {text}");
        }
    }

    [Fact]
    public void GeneratedCode_HasNoWarnings() => Assert.Empty(s_batch.Value.Warnings);

    /// <summary>Everything that a kernel reads lies in the map or in the room beside a copied plane, and every output is stored once by its own vector.</summary>
    [Theory]
    [MemberData(nameof(Declarations))]
    public void Vectors_StayInReach(int index, string text)
    {
        Assert.Equal(s_declarations[index], text);
        foreach (VectorTarget target in new[] { VectorTarget.Avx512, VectorTarget.Avx2 })
        {
            foreach (Step step in Plan(text, target).Steps.Where(s => s.Nest.Title == "UnpaddedDepthwise"))
            {
                // Of the planes at the ends of the map there is a copy in scratch memory, with room before and after it.
                int pixels = step.Input.View.Shape.Pixels, room = (int)(step.ScratchBytes / sizeof(float));
                int before = step.Nest.Nodes.OfType<Bind>().SingleOrDefault(bind => bind.Name.Name == "copy")?.To is Moved { By: Number by } ? by.Value : 0, after = Math.Max(0, room - before - pixels);
                switch (step.Nest.Kernels.Single())
                {
                    case FlatDepthwiseKernel flat:
                        Assert.All(flat.Loads, load => Assert.InRange(load.At, -before, pixels + after - target.Lanes));
                        Assert.All(flat.Vectors, vector => Assert.InRange(vector.At + vector.Count, 1, pixels));
                        Assert.Equal(Enumerable.Range(0, pixels), flat.Vectors.SelectMany(v => Enumerable.Range(v.At, v.Count)).Distinct().Order());
                        Assert.Equal(flat.Vectors.Select(v => v.LastLoad).Order(), flat.Vectors.Select(v => v.LastLoad));
                        break;
                    case StridedDepthwiseKernel strided:
                        Assert.All(strided.Vectors, vector => Assert.InRange(vector.Column, 0, step.Output.View.Shape.Width - target.Lanes));
                        Assert.All(strided.Vectors.SelectMany(v => v.Taps), tap => Assert.InRange(tap.At, 0, step.Input.View.Shape.Width - (2 * target.Lanes)));
                        break;
                }
            }
        }
    }

    private static string Name(int index) => FormattableString.Invariant($"Direct{index:00}");

    private static float[] Input(int index) => RandomValues.Image(Images * s_batch.Value[Name(index)].InputShape.ElementCount, index);

    private static NetworkHandle Load(int index, InstructionSet set)
    {
        NetworkFactory factory = s_batch.Value[Name(index)];
        return factory.Load(RandomValues.Safetensors(RandomValues.Weights(factory.Parameters, index)), new LoadOptions { InstructionSet = set });
    }

    private static NetworkPlan Plan(string text, VectorTarget target)
    {
        StageGraph graph = OperatorFolding.Fold(DeclarationText.Graph(text));
        return Scheduler.Plan(graph, StageFusion.Fuse(graph), target, ScheduleSettings.Default);
    }
}
