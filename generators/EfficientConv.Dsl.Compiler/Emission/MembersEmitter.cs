using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using static EfficientConv.Dsl.Compiler.Emission.SourceText;

namespace EfficientConv.Dsl.Compiler.Emission;

/// <summary>Prints the user's half: the partial class with its public members, and the program that chooses the kernels.</summary>
internal static class MembersEmitter
{
    private const string Dsl = "global::EfficientConv.Dsl.";
    private const string Runtime = "global::EfficientConv.Dsl.Runtime.";
    private const string NotForUsers = "[global::System.ComponentModel.EditorBrowsable(global::System.ComponentModel.EditorBrowsableState.Never)]";

    public static string Emit(
        GeneratedType type, string className, LayerGraph graph, NetworkCost cost, EquatableArray<ParameterTensor> parameters, EquatableArray<NetworkPlan> plans, FoldedConvolutions convolutions, bool timesSteps = false)
    {
        SourceWriter writer = new();
        FileHeader.Write(writer);
        OpenUserType(writer, type, () =>
        {
            writer.Line("/// <summary>");
            writer.Line($"/// {graph.Input} to {graph.OutputSpan}: {cost.Parameters:N0} parameters, {cost.MultiplyAdds:N0} multiply-adds.");
            writer.Line("/// </summary>");
            writer.Line("/// <remarks><list type=\"table\">");
            foreach (LayerCost layer in cost.Layers.Where(IsShown))
                writer.Line($"/// <item><term>{layer.Name}</term><description>{layer.Operator} {layer.Input} to {layer.Output}{Figures(layer)}</description></item>");
            writer.Line("/// </list></remarks>");
        });
        string engine = GeneratedMembers.EngineOf($"global::{FileHeader.GeneratedNamespace}.{className}_Program");
        bool hasEngine = false;
        foreach (GeneratedMember member in GeneratedMembers.Of(type, graph, className, graph.Image is not null, timesSteps))
        {
            // The field and the constructor stand between what every network of the class shares and the methods that make one.
            if (!hasEngine && member.Parameters is not null)
            {
                writer.Line();
                writer.Line($"private readonly {engine} {GeneratedMembers.Engine};");
                writer.Line();
                writer.Line($"private {Identifiers.Escape(type.Name)}({engine} engine) => {GeneratedMembers.Engine} = engine;");
                hasEngine = true;
            }

            Document(writer, member.Summary);
            writer.Line($"public {member.Declaration()} => {member.Body};");
        }

        CloseUserType(writer, type);
        writer.Line();
        EmitProgram(writer, type, className, graph, cost, parameters, plans, convolutions, timesSteps);
        return writer.ToString();
    }

    /// <summary>
    /// Public members that throw <paramref name="message"/>: code that uses a network with a mistake still compiles, so that one mistake is one error. Where a member
    /// cannot be because of the class's name or one of the user's own, the interface's is implemented out of sight.
    /// </summary>
    public static string EmitInvalid(GeneratedType type, IEnumerable<GeneratedMember> members, string message)
    {
        SourceWriter writer = new();
        FileHeader.Write(writer);
        string thrown = $"throw new global::System.InvalidOperationException({PlainText.Quote(message)})";
        string name = Identifiers.Escape(type.Name);
        OpenUserType(writer, type, () => writer.Line("/// <summary>This network has a mistake in its declaration; every member throws.</summary>"));
        writer.Line($"private {name}() => {thrown};", !type.Members.Any(member => member.IsConstructor));
        foreach (GeneratedMember member in members)
        {
            bool isPublic = MemberRules.CanStand(type, member);
            if (!isPublic && !member.IsOfInterface)
                continue;
            Document(writer, "Throws.");
            writer.Line($"{(isPublic ? "public " : string.Empty)}{member.Declaration(isPublic ? string.Empty : $"{Dsl}IConvNet<{name}>.")} => {thrown};");
        }

        CloseUserType(writer, type);
        return writer.ToString();
    }

    /// <summary>Layers that have a row in the class's documentation; batch norm and activations would only make it long.</summary>
    private static bool IsShown(LayerCost layer) => layer.Kind is OperatorKind.Convolution or OperatorKind.Pooling && layer.Operator != "ConvTranspose2d";

    private static string Figures(LayerCost layer) =>
        (layer.Parameters == 0 ? string.Empty : Text($", {layer.Parameters:N0} parameters"))
        + (layer.MultiplyAdds == 0 ? string.Empty : Text($", {layer.MultiplyAdds:N0} multiply-adds"));

    public const string StepTimesType = "global::System.Collections.Generic.IEnumerable<(string Layers, global::System.TimeSpan Time)>";

    private static void Document(SourceWriter writer, string summary)
    {
        writer.Line();
        writer.Line($"/// <summary>{summary}</summary>");
    }

    private static void OpenUserType(SourceWriter writer, GeneratedType type, Action documentation)
    {
        if (type.Namespace.Length > 0)
            writer.Open($"namespace {string.Join(".", type.Namespace.Split('.').Select(Identifiers.Escape))}");
        foreach (ContainingType outer in type.ContainingTypes)
            writer.Open($"partial {outer.Keyword} {outer.Name}");
        documentation();
        writer.Line(FileHeader.GeneratedCode);
        string name = Identifiers.Escape(type.Name);
        writer.Open($"partial {type.Keyword} {name} : {Dsl}IConvNet<{name}>");
    }

    private static void CloseUserType(SourceWriter writer, GeneratedType type)
    {
        int braces = 1 + type.ContainingTypes.Count + (type.Namespace.Length > 0 ? 1 : 0);
        for (int i = 0; i < braces; i++)
            writer.Close();
    }

    private static void EmitProgram(
        SourceWriter writer, GeneratedType type, string className, LayerGraph graph, NetworkCost cost, EquatableArray<ParameterTensor> parameters, EquatableArray<NetworkPlan> plans, FoldedConvolutions convolutions, bool timesSteps)
    {
        writer.Open($"namespace {FileHeader.GeneratedNamespace}");
        writer.Line($"/// <summary>What the runtime needs to know of <c>{type.FullName}</c>.</summary>");
        writer.Line(FileHeader.GeneratedCode);
        writer.Line(NotForUsers);
        writer.Open($"internal readonly struct {className}_Program : {Runtime}INetworkProgram");
        writer.Line($"private static readonly {Dsl}TensorSpec[] s_parameters =");
        writer.Open('[');
        foreach (ParameterTensor tensor in parameters)
            writer.Line($"new({PlainText.Quote(tensor.Key.Key)}, {PlainText.Quote(tensor.Key.Canonical)}, TensorKind.{tensor.Kind}, {string.Join(", ", tensor.Shape)}),");
        writer.CloseWith("];");
        writer.Line();
        OutputMembers.EmitTables(writer, graph);
        writer.Line();
        writer.Line($"private static readonly {Dsl}NetworkCost s_cost = new({cost.Parameters}, {cost.MultiplyAdds}, {ElementType.Float32.Bytes(cost.Parameters)}, {cost.ActivationSum}, {cost.OutputSum}, {cost.PeakBytesLayerwise}, {cost.SavedBytes}, new {Dsl}RunMemory[]");
        writer.Open();
        foreach (NetworkPlan plan in plans)
            writer.Line($"new({Dsl}InstructionSet.{plan.Target.Name}, {plan.WorkspaceBytes}, {plan.PartScratchBytes}, {plan.PackedBytes}, {plan.PeakBytes}),");
        writer.Close($", new {Dsl}LayerCost[]");
        writer.Open();
        foreach (LayerCost layer in cost.Layers)
            writer.Line($"new({PlainText.Quote(layer.Name)}, {PlainText.Quote(layer.Operator)}, {ShapeSizes(layer.Input)}, {ShapeSizes(layer.Output)}, {layer.Parameters}, {layer.MultiplyAdds}, {ElementType.Float32.Bytes(layer.Parameters)}, {layer.LiveBytes}),");
        writer.Close(");");
        writer.Line();
        writer.Line($"public static string NetworkName => {PlainText.Quote(type.FullName)};");
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
        convolutions.Emit(writer, type.FullName);
        writer.Close();
    }

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
            IEnumerable<string> branches = sum.Branches!.Branches.Select(b => Text(
                $"new {Runtime}ReparameterizedBranch({(b.Convolution is null ? "null" : PlainText.Quote(b.Convolution))}, {PlainText.Quote(b.Norm)}, {b.KernelSize})"));
            writer.Line(
                $"new({PlainText.Quote(sum.Key.With("weight").Key)}, {PlainText.Quote(sum.Key.With("bias").Key)}, {sum.Branches.Epsilon:R}, {string.Join(", ", branches)}),");
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

        static string Floats(EquatableArray<float> values) => string.Join(", ", values.Select(value => Text($"{value:R}f")));
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
    private static string ShapeSizes(Shape shape) => Text($"new({shape.Channels}, {shape.Height}, {shape.Width})");

    /// <summary>An expression that makes <paramref name="shape"/>.</summary>
    public static string ShapeText(Shape shape) => Text($"new {Dsl}TensorShape({shape.Channels}, {shape.Height}, {shape.Width})");
}
