using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Findings;
using EfficientConv.Dsl.Compiler.Graph.Keys;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>The layer graph of a declaration, or the findings that forbid it.</summary>
public sealed record ExpansionResult(LayerGraph? Graph, EquatableArray<Finding> Findings)
{
    /// <summary>The layers, up to the error where there is one.</summary>
    public EquatableArray<Layer> Layers { get; init; }
}

/// <summary>
/// The first pass: attributes to single layers. A block is a macro; nothing downstream knows blocks.
/// State-dict keys are given here, because only here the module structure of the user's PyTorch model is known.
/// </summary>
public static class Expansion
{
    /// <summary>Name of the marker attribute.</summary>
    public const string Marker = "InputShape";

    /// <summary>The marker's argument that says what a block's convolutions have after them.</summary>
    internal const string FoldedBatchNorm = "FoldedBatchNorm";

    /// <summary>Name of the attribute that limits a network's cost; it is no layer.</summary>
    public const string Budget = "Budget";

    /// <summary>Whether an attribute of that kind stands in the network's sequence, and not beside it.</summary>
    internal static bool IsInSequence(string kind) => kind is not (Marker or ScheduleArguments.Kind or Budget or ImageInput.Kind);

    /// <summary>Expands <paramref name="declaration"/>.</summary>
    public static ExpansionResult Expand(NetworkDeclaration declaration)
    {
        GraphBuilder builder = new();
        foreach (TargetProblem problem in declaration.Target)
            return new ExpansionResult(null, EquatableArray.Of(TargetFinding(declaration, problem)));

        int marker = -1;
        int image = -1;
        List<int> layers = [];
        for (int i = 0; i < declaration.Attributes.Count; i++)
        {
            if (IsInSequence(declaration.Attributes[i].Kind))
                layers.Add(i);
            else if (declaration.Attributes[i].Kind == Marker)
                marker = i;
            else if (declaration.Attributes[i].Kind == ScheduleArguments.Kind)
                ScheduleArguments.Check(new AttributeReader(builder, declaration.Attributes[i], i, ScheduleArguments.Kind));
            else if (declaration.Attributes[i].Kind == Budget)
                CheckBudget(new AttributeReader(builder, declaration.Attributes[i], i, Budget));
            else
                image = i;
        }

        AttributeDeclaration input = declaration.Attributes[marker];
        AttributeReader markerReader = new(builder, input, marker, Marker);
        bool channelsLast = markerReader.Enumeration("Layout", SpanLayout.NCHW) == SpanLayout.NHWC;
        Shape shape = new(markerReader.Positive("channels", 1), markerReader.Positive("height", 1), markerReader.Positive("width", 1));
        if (!builder.Failed && shape.Count > int.MaxValue / 8)
            builder.Report(RuleCatalog.InvalidValue, marker, null, FormattableString.Invariant($"InputShape has {shape.Count} elements (at most {int.MaxValue / 8} are supported)"));
        ImageInput? pixels = image < 0 ? null : ImageInput.Read(new AttributeReader(builder, declaration.Attributes[image], image, ImageInput.Kind), shape.Channels);
        if (!builder.Failed && layers.All(i => declaration.Attributes[i].Kind == KeyScheme.StageMark))
            builder.Report(RuleCatalog.UnsuitableClass, marker, null, $"\"{declaration.Name}\" has an InputShape and no layer (a network needs at least one layer attribute)");
        if (!builder.Failed)
            builder.AddInput(shape, new LayerOrigin(marker, string.Empty));

        AttributeDeclaration[] attributes = [.. layers.Select(i => TemplateParameters.Bind(declaration.Attributes[i]))];
        builder.Keys = KeyScheme.Create(markerReader.Enumeration("Keys", KeyStyle.Tutorial), [.. SequenceExpansion.Modules(attributes)]);
        builder.FoldsBatchNorm = markerReader.Bool(FoldedBatchNorm, false);
        SequenceExpansion.Expand(builder, attributes, layers);
        return (builder.Failed
            ? new ExpansionResult(null, builder.Findings.ToEquatableArray())
            : new ExpansionResult(builder.Build(channelsLast) with { Image = pixels }, [])) with { Layers = builder.Layers.ToEquatableArray() };
    }

    private static void CheckBudget(AttributeReader reader)
    {
        foreach (AttributeArgument limit in reader.Attribute.Arguments)
        {
            if (limit.Value is <= 0L)
                reader.Invalid(limit.Name, FormattableString.Invariant($"{limit.Value}"), "at least 1");
        }
    }

    private static Finding TargetFinding(NetworkDeclaration declaration, TargetProblem problem)
    {
        string message = problem.RuleId switch
        {
            "ECD0001" => $"\"{declaration.Name}\" has network attributes and {problem.Detail} (the class and the types around it must be partial, so that the generated part can be added)",
            "ECD0005" => $"\"{declaration.Name}\" has network attributes on {problem.Detail} (all of them must stand on one partial declaration, because their order is the network)",
            _ => $"\"{declaration.Name}\" is {problem.Detail} (a network is a non-generic, non-abstract class without a base class or a primary constructor of its own)",
        };
        return new Finding(problem.RuleId, -1, null, message);
    }
}
