using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the user's half: the partial class with its public members, and the program that chooses the kernels.</summary>
internal static class MembersEmitter
{
    private const string Dsl = "global::EfficientConv.Dsl.";
    private const string Runtime = "global::EfficientConv.Dsl.Runtime.";
    private const string NotForUsers = "[global::System.ComponentModel.EditorBrowsable(global::System.ComponentModel.EditorBrowsableState.Never)]";

    public static string Emit(
        NetworkDeclaration declaration, string className, LayerGraph graph, NetworkCost cost, EquatableArray<ParameterTensor> parameters, EquatableArray<NetworkPlan> plans, FoldedConvolutions convolutions, bool timesSteps = false)
    {
        SourceWriter writer = new();
        FileHeader.Write(writer);
        string engine = $"{Runtime}ConvNetEngine<global::{FileHeader.GeneratedNamespace}.{className}_Program>";
        OpenUserType(writer, declaration, () =>
        {
            writer.Line("/// <summary>");
            writer.Line(FormattableString.Invariant($"/// {graph.Input} to {graph.OutputSpan}: {cost.Parameters:N0} parameters, {cost.MultiplyAdds:N0} multiply-adds."));
            writer.Line("/// </summary>");
            writer.Line("/// <remarks><list type=\"table\">");
            foreach (LayerCost layer in cost.Layers.Where(IsShown))
                writer.Line(FormattableString.Invariant($"/// <item><term>{layer.Name}</term><description>{layer.Operator} {layer.Input} to {layer.Output}{Figures(layer)}</description></item>"));
            writer.Line("/// </list></remarks>");
        });
        Inherit(writer, "Shape of one input image.");
        writer.Line($"public static {Dsl}TensorShape InputShape => {ShapeText(graph.Input)};");
        Inherit(writer, "Shape of one image's output.");
        writer.Line($"public static {Dsl}TensorShape OutputShape => {ShapeText(graph.OutputSpan)};");
        Inherit(writer, "The outputs in the order in which they lie in the output span.");
        writer.Line($"public static global::System.ReadOnlySpan<{Dsl}OutputTensor> Outputs => global::{FileHeader.GeneratedNamespace}.{className}_Program.Outputs;");
        OutputMembers.Emit(writer, graph, $"global::{FileHeader.GeneratedNamespace}.{className}_Program");
        Inherit(writer, "Layout of the spans that <c>Forward</c> takes.");
        writer.Line($"public static {Dsl}TensorLayout Layout => {Dsl}TensorLayout.{(graph.IsChannelsLast ? "NHWC" : "NCHW")};");
        Inherit(writer, "Parameters, multiply-adds and memory, in total and layer by layer.");
        writer.Line($"public static {Dsl}NetworkCost Cost => global::{FileHeader.GeneratedNamespace}.{className}_Program.Cost;");
        Inherit(writer, "The tensors that a checkpoint must hold.");
        writer.Line($"public static global::System.ReadOnlySpan<{Dsl}TensorSpec> Parameters => global::{FileHeader.GeneratedNamespace}.{className}_Program.Parameters;");
        writer.Line();
        writer.Line($"private readonly {engine} _efficientConvEngine;");
        writer.Line();
        writer.Line($"private {declaration.Name}({engine} engine) => _efficientConvEngine = engine;");
        foreach ((string name, string summary, string signature, string arguments) in Factories)
        {
            Inherit(writer, summary);
            writer.Line($"public static {declaration.Name} {name}({signature}) => new({engine}.{name}({arguments}));");
        }

        Inherit(writer, "The instruction set in use.");
        writer.Line($"public {Dsl}InstructionSet InstructionSet => _efficientConvEngine.InstructionSet;");
        Inherit(writer, "Bytes of workspace for one call of one thread.");
        writer.Line("public long WorkspaceBytes => _efficientConvEngine.WorkspaceBytes;");
        Inherit(writer, "Bytes of packed weights.");
        writer.Line("public long PackedWeightBytes => _efficientConvEngine.PackedWeightBytes;");
        Inherit(writer, "Writes the weights as the kernels read them, for <c>LoadPacked</c>.");
        writer.Line("public void SavePacked(string path) => _efficientConvEngine.SavePacked(path);");
        Inherit(writer, "Runs one image: exactly InputShape's and OutputShape's element counts. Safe from many threads at once; allocates nothing once warm.");
        writer.Line("public void Forward(global::System.ReadOnlySpan<float> input, global::System.Span<float> output) => _efficientConvEngine.Forward(input, output);");
        Inherit(writer, "Runs <paramref name=\"batch\"/> images, one behind the other in both spans, on up to <paramref name=\"threads\"/> threads; the same bits whatever their number.");
        writer.Line("public void Forward(int batch, global::System.ReadOnlySpan<float> input, global::System.Span<float> output, int threads = 1) => _efficientConvEngine.Forward(batch, input, output, threads);");
        if (graph.Image is not null)
        {
            Inherit(writer, "Runs one 8-bit image of InputShape's height and width, <paramref name=\"stride\"/> bytes from row to row; the bits of <c>Forward</c> with the floats that <c>ImageInput</c> makes of it.");
            writer.Line($"{ForwardImage} => _efficientConvEngine.Forward(pixels, format, stride, output, threads);");
        }

        if (timesSteps)
        {
            Inherit(writer, "Each step of the last run and what it took, until all its threads were done; of use where one image runs at a time. There because the project sets EfficientConvStepTimes.");
            writer.Line($"public {StepTimesType} StepTimes => global::{FileHeader.GeneratedNamespace}.{className}_Program.StepTimes(_efficientConvEngine.InstructionSet);");
        }

        CloseUserType(writer, declaration);
        writer.Line();
        EmitProgram(writer, declaration, className, graph, cost, parameters, plans, convolutions, timesSteps);
        return writer.ToString();
    }

    /// <summary>Public members that throw <paramref name="message"/>: code that uses a network with a mistake still compiles, so that one mistake is one error.</summary>
    public static string EmitInvalid(NetworkDeclaration declaration, string message)
    {
        SourceWriter writer = new();
        FileHeader.Write(writer);
        string thrown = $"throw new global::System.InvalidOperationException({KernelsEmitter.Quote(message)})";
        OpenUserType(writer, declaration, () => writer.Line("/// <summary>This network has a mistake in its declaration; every member throws.</summary>"));
        foreach ((string type, string name) in new[]
        {
            (Dsl + "TensorShape", "InputShape"), (Dsl + "TensorShape", "OutputShape"), (Dsl + "TensorLayout", "Layout"), (Dsl + "NetworkCost", "Cost"),
            ($"global::System.ReadOnlySpan<{Dsl}TensorSpec>", "Parameters"), ($"global::System.ReadOnlySpan<{Dsl}OutputTensor>", "Outputs"),
        })
        {
            Inherit(writer, "Throws.");
            writer.Line($"public static {type} {name} => {thrown};");
        }

        writer.Line();
        writer.Line($"private {declaration.Name}() => {thrown};");
        foreach ((string name, _, string signature, _) in Factories)
        {
            Inherit(writer, "Throws.");
            writer.Line($"public static {declaration.Name} {name}({signature}) => {thrown};");
        }

        foreach ((string type, string name) in new[] { (Dsl + "InstructionSet", "InstructionSet"), ("long", "WorkspaceBytes"), ("long", "PackedWeightBytes") })
        {
            Inherit(writer, "Throws.");
            writer.Line($"public {type} {name} => {thrown};");
        }

        Inherit(writer, "Throws.");
        writer.Line($"public void SavePacked(string path) => {thrown};");
        Inherit(writer, "Throws.");
        writer.Line($"public void Forward(global::System.ReadOnlySpan<float> input, global::System.Span<float> output) => {thrown};");
        Inherit(writer, "Throws.");
        writer.Line($"public void Forward(int batch, global::System.ReadOnlySpan<float> input, global::System.Span<float> output, int threads = 1) => {thrown};");
        if (declaration.Attributes.Any(a => a.Kind == ImageInput.Kind))
        {
            Inherit(writer, "Throws.");
            writer.Line($"{ForwardImage} => {thrown};");
        }

        CloseUserType(writer, declaration);
        return writer.ToString();
    }

    /// <summary>Layers that have a row in the class's documentation; batch norm and activations would only make it long.</summary>
    private static bool IsShown(LayerCost layer) => layer.Operator is "Linear" or "Conv2d" || layer.Operator.EndsWith("Pool2d", StringComparison.Ordinal);

    private static string Figures(LayerCost layer) =>
        (layer.Parameters == 0 ? string.Empty : FormattableString.Invariant($", {layer.Parameters:N0} parameters"))
        + (layer.MultiplyAdds == 0 ? string.Empty : FormattableString.Invariant($", {layer.MultiplyAdds:N0} multiply-adds"));

    private const string StepTimesType = "global::System.Collections.Generic.IEnumerable<(string Layers, global::System.TimeSpan Time)>";

    private const string ForwardImage = "public void Forward(global::System.ReadOnlySpan<byte> pixels, global::EfficientConv.Dsl.PixelFormat format, int stride, global::System.Span<float> output, int threads = 1)";

    private static IReadOnlyList<(string Name, string Summary, string Signature, string Arguments)> Factories { get; } =
    [
        ("Load", "Loads the weights of a safetensors file.", $"string path, {Dsl}LoadOptions? options = null", "path, options"),
        ("Load", "Loads the weights of a safetensors stream.", $"global::System.IO.Stream stream, {Dsl}LoadOptions? options = null", "stream, options"),
        ("Load", "Loads the weights of a safetensors file in memory.", $"global::System.ReadOnlySpan<byte> safetensors, {Dsl}LoadOptions? options = null", "safetensors, options"),
        ("LoadResource", "Loads the weights of a safetensors file embedded in an assembly.", $"global::System.Reflection.Assembly assembly, string name, {Dsl}LoadOptions? options = null", "assembly, name, options"),
        ("LoadPacked", "Maps a file that <c>SavePacked</c> wrote: nothing is folded, packed or copied.", $"string path, {Dsl}LoadOptions? options = null", "path, options"),
        ("CreateRandom", "Random weights, the same for the same seed on every machine: for tests and benchmarks.", $"int seed, {Dsl}LoadOptions? options = null", "seed, options"),
    ];

    private static void Inherit(SourceWriter writer, string summary)
    {
        writer.Line();
        writer.Line($"/// <summary>{summary}</summary>");
    }

    private static void OpenUserType(SourceWriter writer, NetworkDeclaration declaration, Action documentation)
    {
        if (declaration.Namespace.Length > 0)
            writer.Open($"namespace {string.Join(".", declaration.Namespace.Split('.').Select(Escape))}");
        foreach (ContainingType type in declaration.ContainingTypes)
            writer.Open($"partial {type.Keyword} {type.Name}");
        documentation();
        writer.Line(FileHeader.GeneratedCode);
        writer.Open($"partial {declaration.Keyword} {Escape(declaration.Name)} : {Dsl}IConvNet<{Escape(declaration.Name)}>");
    }

    private static void CloseUserType(SourceWriter writer, NetworkDeclaration declaration)
    {
        int braces = 1 + declaration.ContainingTypes.Count + (declaration.Namespace.Length > 0 ? 1 : 0);
        for (int i = 0; i < braces; i++)
            writer.Close();
    }

    /// <summary>An identifier that is also a keyword needs its @ back.</summary>
    private static string Escape(string identifier) => Keywords.Contains(identifier) ? "@" + identifier : identifier;

    private static readonly HashSet<string> Keywords =
    [
        "abstract", "as", "base", "bool", "break", "byte", "case", "catch", "char", "checked", "class", "const", "continue", "decimal", "default", "delegate", "do", "double", "else",
        "enum", "event", "explicit", "extern", "false", "finally", "fixed", "float", "for", "foreach", "goto", "if", "implicit", "in", "int", "interface", "internal", "is", "lock",
        "long", "namespace", "new", "null", "object", "operator", "out", "override", "params", "private", "protected", "public", "readonly", "ref", "return", "sbyte", "sealed", "short",
        "sizeof", "stackalloc", "static", "string", "struct", "switch", "this", "throw", "true", "try", "typeof", "uint", "ulong", "unchecked", "unsafe", "ushort", "using", "virtual",
        "void", "volatile", "while",
    ];

    private static void EmitProgram(
        SourceWriter writer, NetworkDeclaration declaration, string className, LayerGraph graph, NetworkCost cost, EquatableArray<ParameterTensor> parameters, EquatableArray<NetworkPlan> plans, FoldedConvolutions convolutions, bool timesSteps)
    {
        writer.Open($"namespace {FileHeader.GeneratedNamespace}");
        writer.Line($"/// <summary>What the runtime needs to know of <c>{declaration.FullName}</c>.</summary>");
        writer.Line(FileHeader.GeneratedCode);
        writer.Line(NotForUsers);
        writer.Open($"internal readonly struct {className}_Program : {Runtime}INetworkProgram");
        writer.Line($"private static readonly {Dsl}TensorSpec[] s_parameters =");
        writer.Open('[');
        foreach (ParameterTensor tensor in parameters)
            writer.Line($"new({KernelsEmitter.Quote(tensor.Key.Key)}, {KernelsEmitter.Quote(tensor.Key.Canonical)}, TensorKind.{tensor.Kind}, {string.Join(", ", tensor.Shape)}),");
        writer.CloseWith("];");
        writer.Line();
        OutputMembers.EmitTable(writer, graph);
        writer.Line();
        writer.Line($"private static readonly {Dsl}NetworkCost s_cost = new({cost.Parameters}, {cost.MultiplyAdds}, {cost.Parameters * sizeof(float)}, {cost.ActivationSum}, {cost.OutputSum}, {cost.PeakBytesLayerwise}, {cost.SavedBytes}, new {Dsl}RunMemory[]");
        writer.Open();
        foreach (NetworkPlan plan in plans)
            writer.Line($"new({Dsl}InstructionSet.{plan.Target.Name}, {Bytes(plan.WorkspaceLength)}, {Bytes(plan.PartScratchLength)}, {Bytes(plan.PackedLength)}, {Bytes(plan.PeakLength)}),");
        writer.Close($", new {Dsl}LayerCost[]");
        writer.Open();
        foreach (LayerCost layer in cost.Layers)
            writer.Line($"new({KernelsEmitter.Quote(layer.Name)}, {KernelsEmitter.Quote(layer.Operator)}, {ShapeSizes(layer.Input)}, {ShapeSizes(layer.Output)}, {layer.Parameters}, {layer.MultiplyAdds}, {layer.Parameters * sizeof(float)}, {layer.LiveBytes}),");
        writer.Close(");");
        writer.Line();
        writer.Line($"public static string NetworkName => {KernelsEmitter.Quote(declaration.FullName)};");
        writer.Line();
        writer.Line($"public static global::System.ReadOnlySpan<{Dsl}TensorSpec> Parameters => s_parameters;");
        writer.Line();
        writer.Line($"public static {Dsl}NetworkCost Cost => s_cost;");
        EmitReparameterized(writer, graph);
        writer.Line();
        writer.Line($"public static global::System.ReadOnlySpan<{Dsl}OutputTensor> Outputs => s_outputs;");
        writer.Line();
        writer.Line($"public static {Dsl}TensorShape InputShape => {ShapeText(graph.Input)};");
        writer.Line();
        writer.Line($"public static {Dsl}TensorShape OutputShape => {ShapeText(graph.OutputSpan)};");
        EmitChoice(writer, className, "int PackedLength(" + Dsl + "InstructionSet isa)", "PackedLength", returns: true);
        EmitChoice(writer, className, "int WorkspaceLength(" + Dsl + "InstructionSet isa)", "WorkspaceLength", returns: true);
        EmitChoice(writer, className, "int PartScratchLength(" + Dsl + "InstructionSet isa)", "PartScratchLength", returns: true);
        EmitChoice(writer, className, "ulong LayoutHash(" + Dsl + "InstructionSet isa)", "LayoutHash", returns: true);
        EmitChoice(writer, className, $"void Pack({Dsl}InstructionSet isa, {Runtime}WeightReader weights, global::System.Span<float> packed)", "Pack(weights, packed)", returns: false);
        EmitChoice(writer, className, $"void Run({Dsl}InstructionSet isa, ref float input, ref float output, ref float weights, ref float workspace, {Runtime}Part part)", "Run(ref input, ref output, ref weights, ref workspace, part)", returns: false);
        EmitImage(writer, className, graph);
        if (timesSteps)
            EmitChoice(writer, className, $"{StepTimesType} StepTimes({Dsl}InstructionSet isa)", "StepTimes()", returns: true);
        writer.Close();
        convolutions.Emit(writer, declaration.FullName);
        writer.Close();
    }

    private static long Bytes(long floats) => floats * sizeof(float);

    /// <summary>The branches that a checkpoint may hold in place of a convolution; nothing where there are none.</summary>
    private static void EmitReparameterized(SourceWriter writer, LayerGraph graph)
    {
        ConvolutionOperator[] sums = [.. graph.Layers.Select(l => l.Operator).OfType<ConvolutionOperator>().Where(c => c.Branches is not null)];
        if (sums.Length == 0)
            return;
        writer.Line();
        writer.Line($"private static readonly {Runtime}ReparameterizedConvolution[] s_reparameterized =");
        writer.Open('[');
        foreach (ConvolutionOperator sum in sums)
        {
            IEnumerable<string> branches = sum.Branches!.Branches.Select(b => FormattableString.Invariant(
                $"new {Runtime}ReparameterizedBranch({(b.Convolution is null ? "null" : KernelsEmitter.Quote(b.Convolution))}, {KernelsEmitter.Quote(b.Norm)}, {b.KernelSize})"));
            writer.Line(FormattableString.Invariant(
                $"new({KernelsEmitter.Quote(sum.Key.With("weight").Key)}, {KernelsEmitter.Quote(sum.Key.With("bias").Key)}, {sum.Branches.Epsilon:R}, {string.Join(", ", branches)}),"));
        }

        writer.CloseWith("];");
        writer.Line();
        writer.Line($"public static global::System.ReadOnlySpan<{Runtime}ReparameterizedConvolution> Reparameterized => s_reparameterized;");
    }

    /// <summary>What bytes become, and the run of an image of them; nothing where the network takes none.</summary>
    private static void EmitImage(SourceWriter writer, string className, LayerGraph graph)
    {
        if (graph.Image is not { } image)
            return;
        writer.Line();
        writer.Line($"private static readonly {Runtime}ImageNormalization s_image = new([{Floats(image.Mean)}], [{Floats(image.Std)}]);");
        writer.Line();
        writer.Line($"public static {Runtime}ImageNormalization? Image => s_image;");
        EmitChoice(
            writer, className, $"void RunImage({Dsl}InstructionSet isa, in {Runtime}ImageRows image, ref float output, ref float weights, ref float workspace, {Runtime}Part part)",
            "RunImage(in image, ref output, ref weights, ref workspace, part)", returns: false);

        static string Floats(EquatableArray<float> values) => string.Join(", ", values.Select(value => FormattableString.Invariant($"{value:R}f")));
    }

    /// <summary>One member that goes to the chosen kernels. The checks are constants to the just-in-time and the native compiler, so what cannot run is not compiled.</summary>
    private static void EmitChoice(SourceWriter writer, string className, string signature, string member, bool returns)
    {
        string prefix = returns ? "return " : string.Empty;
        writer.Line();
        writer.Open($"public static {signature}");
        Case($"global::System.Runtime.Intrinsics.X86.Avx512F.IsSupported && isa == {Dsl}InstructionSet.Avx512", className + "_Avx512");
        Case($"global::System.Runtime.Intrinsics.X86.Avx2.IsSupported && global::System.Runtime.Intrinsics.X86.Fma.IsSupported && isa == {Dsl}InstructionSet.Avx2", className + "_Avx2");
        Case($"isa == {Dsl}InstructionSet.Scalar", $"{className}_Vector128<{Runtime}Scalar4>");
        writer.Line($"{prefix}{className}_Vector128<{Runtime}Simd128>.{member};");
        writer.Close();

        void Case(string condition, string type)
        {
            writer.Open($"if ({condition})");
            writer.Line($"{prefix}{type}.{member};");
            if (!returns)
                writer.Line("return;");
            writer.Close();
        }
    }

    /// <summary>An expression that makes <paramref name="shape"/> where the type is known.</summary>
    private static string ShapeSizes(Shape shape) => FormattableString.Invariant($"new({shape.Channels}, {shape.Height}, {shape.Width})");

    /// <summary>An expression that makes <paramref name="shape"/>.</summary>
    public static string ShapeText(Shape shape) => FormattableString.Invariant($"new {Dsl}TensorShape({shape.Channels}, {shape.Height}, {shape.Width})");
}
