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
        GeneratedType type, string className, LayerGraph graph, NetworkCost cost, EquatableArray<ParameterTensor> parameters, EquatableArray<NetworkPlan> plans,
        FoldedConvolutions convolutions, bool timesSteps = false)
    {
        SourceWriter writer = new();
        FileHeader.Write(writer);
        EmitUserType(
            writer, type, () => EmitDocumentation(writer, graph, cost),
            () => EmitMembers(writer, type, className, GeneratedMembers.Of(type, graph, className, graph.Image is not null, timesSteps)));
        writer.Line();
        using (writer.Block($"namespace {FileHeader.GeneratedNamespace}"))
        {
            EmitProgram(writer, type, className, graph, cost, parameters, plans, timesSteps);
            convolutions.Emit(writer, type.FullName);
        }

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
        string thrown = $"throw new global::System.InvalidOperationException({PlainText.Quote(message)})", name = Identifiers.Escape(type.Name);
        EmitUserType(writer, type, () => writer.Line("/// <summary>This network has a mistake in its declaration; every member throws.</summary>"), () =>
        {
            writer.LineIf(!type.Members.Any(member => member.IsConstructor), $"private {name}() => {thrown};");
            foreach (GeneratedMember member in members)
            {
                if (MemberRules.CanStand(type, member))
                    EmitMember(writer, "Throws.", $"public {member.Declaration()} => {thrown};");
                else if (member.IsOfInterface)
                    EmitMember(writer, "Throws.", $"{member.Declaration($"{Dsl}IConvNet<{name}>.")} => {thrown};");
            }
        });
        return writer.ToString();
    }

    private static void EmitDocumentation(SourceWriter writer, LayerGraph graph, NetworkCost cost)
    {
        writer.Lines($"""
            /// <summary>
            /// {graph.Input} to {graph.OutputSpan}: {cost.Parameters:N0} parameters, {cost.MultiplyAdds:N0} multiply-adds.
            /// </summary>
            /// <remarks><list type="table">
            """);
        foreach (LayerCost layer in cost.Layers.Where(IsShown))
            writer.Line($"/// <item><term>{layer.Name}</term><description>{layer.Operator} {layer.Input} to {layer.Output}{Figures(layer)}</description></item>");
        writer.Line("/// </list></remarks>");
    }

    private static void EmitMembers(SourceWriter writer, GeneratedType type, string className, IReadOnlyList<GeneratedMember> members)
    {
        string engine = GeneratedMembers.EngineOf($"global::{FileHeader.GeneratedNamespace}.{className}_Program");
        GeneratedMember firstMethod = members.First(member => member.Parameters is not null);
        foreach (GeneratedMember member in members)
        {
            // The field and the constructor stand between what every network of the class shares and the methods that make one.
            if (ReferenceEquals(member, firstMethod))
            {
                writer.Lines($"""

                    private readonly {engine} {GeneratedMembers.Engine};

                    private {Identifiers.Escape(type.Name)}({engine} engine) => {GeneratedMembers.Engine} = engine;
                    """);
            }

            EmitMember(writer, member.Summary, $"public {member.Declaration()} => {member.Body};");
        }
    }

    private static void EmitMember(SourceWriter writer, string summary, string declaration) => writer.Lines($"""

        /// <summary>{summary}</summary>
        {declaration}
        """);

    /// <summary>Layers that have a row in the class's documentation; batch norm and activations would only make it long.</summary>
    private static bool IsShown(LayerCost layer) => layer.Kind is OperatorKind.Convolution or OperatorKind.Pooling && layer.Operator != "ConvTranspose2d";

    private static string Figures(LayerCost layer) =>
        (layer.Parameters == 0 ? string.Empty : Text($", {layer.Parameters:N0} parameters"))
        + (layer.MultiplyAdds == 0 ? string.Empty : Text($", {layer.MultiplyAdds:N0} multiply-adds"));

    public const string StepTimesType = "global::System.Collections.Generic.IEnumerable<(string Layers, global::System.TimeSpan Time)>";

    /// <summary>The user's type inside its namespace and the types around it.</summary>
    private static void EmitUserType(SourceWriter writer, GeneratedType type, Action documentation, Action members)
    {
        using SourceWriter.Scope outermost = writer.BlockIf(type.Namespace.Length > 0, $"namespace {string.Join(".", type.Namespace.Split('.').Select(Identifiers.Escape))}");
        Emit(0);

        void Emit(int depth)
        {
            if (depth < type.ContainingTypes.Count)
            {
                using SourceWriter.Scope outer = writer.Block($"partial {type.ContainingTypes[depth].Keyword} {type.ContainingTypes[depth].Name}");
                Emit(depth + 1);
                return;
            }

            documentation();
            writer.Line(FileHeader.GeneratedCode);
            string name = Identifiers.Escape(type.Name);
            using SourceWriter.Scope own = writer.Block($"partial {type.Keyword} {name} : {Dsl}IConvNet<{name}>");
            members();
        }
    }

    private static void EmitProgram(
        SourceWriter writer, GeneratedType type, string className, LayerGraph graph, NetworkCost cost, EquatableArray<ParameterTensor> parameters,
        EquatableArray<NetworkPlan> plans, bool timesSteps)
    {
        writer.Lines($"""
            /// <summary>What the runtime needs to know of <c>{type.FullName}</c>.</summary>
            {FileHeader.GeneratedCode}
            {NotForUsers}
            """);
        using SourceWriter.Scope program = writer.Block($"internal readonly struct {className}_Program : {Runtime}INetworkProgram");
        EmitTables(writer, graph, cost, parameters, plans);
        writer.Lines($"""

            public static string NetworkName => {PlainText.Quote(type.FullName)};

            public static global::System.ReadOnlySpan<{Dsl}TensorSpec> Parameters => s_parameters;

            public static {Dsl}NetworkCost Cost => s_cost;
            """);
        EmitReparameterized(writer, graph);
        writer.Lines($"""

            public static global::System.ReadOnlySpan<{Dsl}OutputTensor> Outputs => s_outputs;

            public static {Dsl}TensorShape InputShape => {ShapeText(graph.Input)};

            public static {Dsl}TensorShape OutputShape => {ShapeText(graph.OutputSpan)};
            """);
        foreach (string length in new[] { "int PackedLength", "int WorkspaceLength", "int PartScratchLength", "ulong LayoutHash" })
            EmitChoice(writer, className, $"{length}({Dsl}InstructionSet isa)", length.Split(' ')[1], returns: true);
        EmitChoice(
            writer, className, $"void Pack({Dsl}InstructionSet isa, {Runtime}WeightReader weights, global::System.Span<float> packed)", "Pack(weights, packed)",
            returns: false);
        EmitChoice(
            writer, className, $"void Run({Dsl}InstructionSet isa, ref float input, ref float output, ref float weights, ref float workspace, {Runtime}Part part)",
            "Run(ref input, ref output, ref weights, ref workspace, part)", returns: false);
        EmitImage(writer, className, graph);
        if (timesSteps)
            EmitChoice(writer, className, $"{StepTimesType} StepTimes({Dsl}InstructionSet isa)", "StepTimes()", returns: true);
    }

    /// <summary>The arrays after the properties: parameters, outputs, cost.</summary>
    private static void EmitTables(SourceWriter writer, LayerGraph graph, NetworkCost cost, EquatableArray<ParameterTensor> parameters, EquatableArray<NetworkPlan> plans)
    {
        writer.Line($"private static readonly {Dsl}TensorSpec[] s_parameters =");
        using (writer.Braces("[", "];"))
        {
            foreach (ParameterTensor tensor in parameters)
                writer.Line($"new({PlainText.Quote(tensor.Key.Key)}, {PlainText.Quote(tensor.Key.Canonical)}, TensorKind.{tensor.Kind}, {string.Join(", ", tensor.Shape)}),");
        }

        writer.Line();
        OutputMembers.EmitTables(writer, graph);
        writer.Line();
        writer.Line(
            $"private static readonly {Dsl}NetworkCost s_cost = new({cost.Parameters}, {cost.MultiplyAdds}, {ElementType.Float32.Bytes(cost.Parameters)}, " +
            $"{cost.ActivationSum}, {cost.OutputSum}, {cost.PeakBytesLayerwise}, {cost.SavedBytes}, new {Dsl}RunMemory[]");
        using (writer.Braces("{", $"}}, new {Dsl}LayerCost[]"))
        {
            foreach (NetworkPlan plan in plans)
                writer.Line($"new({Dsl}InstructionSet.{plan.Target.Name}, {plan.WorkspaceBytes}, {plan.PartScratchBytes}, {plan.PackedBytes}, {plan.PeakBytes}),");
        }

        using (writer.Braces("{", "});"))
        {
            foreach (LayerCost layer in cost.Layers)
            {
                writer.Line(
                    $"new({PlainText.Quote(layer.Name)}, {PlainText.Quote(layer.Operator)}, {ShapeSizes(layer.Input)}, {ShapeSizes(layer.Output)}, " +
                    $"{layer.Parameters}, {layer.MultiplyAdds}, {ElementType.Float32.Bytes(layer.Parameters)}, {layer.LiveBytes}),");
            }
        }
    }

    /// <summary>The branches that a checkpoint may hold in place of a convolution; nothing where there are none.</summary>
    private static void EmitReparameterized(SourceWriter writer, LayerGraph graph)
    {
        ConvolutionOperator[] sums = [.. graph.Layers.Select(l => l.Operator).OfType<ConvolutionOperator>().Where(c => c.Branches is not null)];
        if (sums.Length == 0)
            return;
        writer.Line();
        writer.Line($"private static readonly {Runtime}ReparameterizedConvolution[] s_reparameterized =");
        using (writer.Braces("[", "];"))
        {
            foreach (ConvolutionOperator sum in sums)
            {
                IEnumerable<string> branches = sum.Branches!.Branches.Select(b => Text(
                    $"new {Runtime}ReparameterizedBranch({(b.Convolution is null ? "null" : PlainText.Quote(b.Convolution))}, {PlainText.Quote(b.Norm)}, {b.KernelSize})"));
                writer.Line(
                    $"new({PlainText.Quote(sum.Key.With("weight").Key)}, {PlainText.Quote(sum.Key.With("bias").Key)}, {sum.Branches.Epsilon:R}, {string.Join(", ", branches)}),");
            }
        }

        writer.Lines($"""

            public static global::System.ReadOnlySpan<{Runtime}ReparameterizedConvolution> Reparameterized => s_reparameterized;
            """);
    }

    /// <summary>What bytes become, and the run of an image of them; nothing where the network takes none.</summary>
    private static void EmitImage(SourceWriter writer, string className, LayerGraph graph)
    {
        if (graph.Image is not { } image)
            return;
        writer.Lines($"""

            private static readonly {Runtime}ImageNormalization s_image = new([{Floats(image.Mean)}], [{Floats(image.Std)}]);

            public static {Runtime}ImageNormalization? Image => s_image;
            """);
        EmitChoice(
            writer, className, $"void RunImage({Dsl}InstructionSet isa, in {Runtime}ImageRows image, ref float output, ref float weights, ref float workspace, {Runtime}Part part)",
            "RunImage(in image, ref output, ref weights, ref workspace, part)", returns: false);

        static string Floats(EquatableArray<float> values) => string.Join(", ", values.Select(value => Text($"{value:R}f")));
    }

    /// <summary>One member that goes to the chosen kernels. The checks are constants to the just-in-time and the native compiler, so what cannot run is not compiled.</summary>
    private static void EmitChoice(SourceWriter writer, string className, string signature, string member, bool returns)
    {
        string isa = $"isa == {Dsl}InstructionSet", x86 = "global::System.Runtime.Intrinsics.X86";
        writer.Lines($$"""

            public static {{signature}}
            {
                if ({{x86}}.Avx512F.IsSupported && {{isa}}.Avx512)
                {
                    {{Choose($"{className}_Avx512")}}
                }
                if ({{x86}}.Avx2.IsSupported && {{x86}}.Fma.IsSupported && {{isa}}.Avx2)
                {
                    {{Choose($"{className}_Avx2")}}
                }
                if ({{isa}}.Scalar)
                {
                    {{Choose($"{className}_Vector128<{Runtime}Scalar4>")}}
                }
                {{(returns ? "return " : string.Empty)}}{{className}}_Vector128<{{Runtime}}Simd128>.{{member}};
            }
            """);

        string Choose(string kernels) => returns ? $"return {kernels}.{member};" : $"{kernels}.{member};\n        return;";
    }

    /// <summary>An expression that makes <paramref name="shape"/> where the type is known.</summary>
    private static string ShapeSizes(Shape shape) => Text($"new({shape.Channels}, {shape.Height}, {shape.Width})");

    /// <summary>An expression that makes <paramref name="shape"/>.</summary>
    public static string ShapeText(Shape shape) => Text($"new {Dsl}TensorShape({shape.Channels}, {shape.Height}, {shape.Width})");
}
