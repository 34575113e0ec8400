using System.Text;
using EfficientConv.Dsl.Compiler.Declarations;
using EfficientConv.Dsl.Compiler.Graph.Keys;
using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Graph;

/// <summary>
/// Makes templates of what repeats in a written graph: attributes in a row that read one tensor from outside and are read by their last one alone, and that stand there again
/// with the same wiring and other sizes at most, which become parameters. Nothing is reordered, so that the layers are the same in the same order.
/// </summary>
internal sealed class TemplateExtraction
{
    /// <summary>An argument of <c>Add</c> that changes nothing where the channels are as many: it may stand in a template that is placed in such a place too.</summary>
    private const string PadChannels = "padChannels";

    /// <summary>Longer parts than this are whole stages, which a reader wants to see.</summary>
    private const int MaxLength = 40;

    private const int MinLength = 3;

    /// <summary>Two convolutions, or one in a branch: less is a line of its own.</summary>
    private const int MinWeight = 4;

    /// <summary>Attributes that a template has to save: fewer are read more easily where they stand.</summary>
    private const int MinSaving = 4;

    /// <summary>The sizes that may differ, and the parameters that they can be, the nearest first.</summary>
    private static readonly Dictionary<string, string[]> s_parameters = new()
    {
        ["outChannels"] = ["outChannels", "hiddenChannels"], ["hiddenChannels"] = ["hiddenChannels", "outChannels"], ["midChannels"] = ["hiddenChannels", "outChannels"],
        ["kernelSize"] = ["kernelSize"], ["stride"] = ["stride"], ["padding"] = ["padding"], ["dilation"] = ["dilation"], ["groups"] = ["groups"],
    };

    private readonly List<Item> _items;
    private readonly HashSet<string> _typeNames, _ownNames;
    private readonly List<TemplateDeclaration> _templates = [];

    /// <summary>A written graph, the types that a template must not be called after, and the names that stand in a state dict.</summary>
    private TemplateExtraction(WrittenGraph written, string typeName, IEnumerable<string> ownNames)
    {
        _items = [.. written.Attributes.Zip(written.Places, (attribute, place) => new Item(attribute, place))];
        (_typeNames, _ownNames) = ([typeName], [.. ownNames]);
    }

    /// <summary>The graph with a <c>Use</c> in each place of what repeats.</summary>
    public static WrittenGraph Extract(WrittenGraph written, string typeName, IEnumerable<string> ownNames)
    {
        TemplateExtraction extraction = new(written, typeName, ownNames);

        // Names that are places in a list would be other places in a shorter one.
        if (extraction._ownNames.Any(name => name.Length > 0 && char.IsDigit(name[0])))
            return written;
        while (extraction.Best() is { } best)
            extraction.Replace(best);
        extraction.JoinCopies();
        return written with { Attributes = extraction._items.Select(item => item.Attribute).ToEquatableArray(), Places = extraction._items.Select(item => item.Place).ToEquatableArray() };
    }

    /// <summary>The part whose template saves most; null where none saves enough.</summary>
    private Candidate? Best()
    {
        Dictionary<string, int> definitions = [], lastReads = [];
        for (int i = 0; i < _items.Count; i++)
        {
            if (_items[i].Name is { } name)
                definitions[name] = i;
            foreach (string read in Reads(_items[i].Attribute))
                lastReads[read] = i;
        }

        Dictionary<string, List<Segment>> byForm = [];
        Part[] parts = [.. _items.Select(item => Part.Of(item.Attribute))];
        for (int start = 1; start < _items.Count; start++)
        {
            foreach (Segment segment in SegmentsAt(start, parts, definitions, lastReads))
            {
                if (!byForm.TryGetValue(segment.Form, out List<Segment>? same))
                    byForm.Add(segment.Form, same = []);
                if (same.Count == 0 || same[same.Count - 1].End <= start)
                    same.Add(segment);
            }
        }

        return byForm.Values.Where(same => same.Count > 1).SelectMany(Candidates).Where(candidate => candidate.Saving >= MinSaving)
            .OrderByDescending(candidate => candidate.Saving).ThenByDescending(candidate => KeyScheme.IsConvolution(_items[candidate.Segments[0].Start].Attribute.Kind))
            .ThenBy(candidate => candidate.Segments[0].Start).FirstOrDefault();
    }

    /// <summary>The parts that begin at <paramref name="start"/> and may be templates: they read nothing but their input, nobody reads what is inside, and they are enough to have a name.</summary>
    private IEnumerable<Segment> SegmentsAt(int start, Part[] parts, Dictionary<string, int> definitions, Dictionary<string, int> lastReads)
    {
        if (parts[start].IsTail)
            yield break;
        int entry = _items[start - 1].Place.Layer, weight = 0, placed = 0, lastRead = 0;
        StringBuilder form = new();
        List<string> own = [];
        List<int> sizes = [];
        for (int i = start; i < Math.Min(start + MaxLength, _items.Count) && !_items[i].IsBoundary; i++)
        {
            form.Append(parts[i].Form);
            sizes.AddRange(parts[i].Sizes);
            weight += parts[i].Weight;
            placed += _items[i].Attribute.Kind == TemplateParameters.Use ? parts[i].Weight : 0;
            foreach (string read in Reads(_items[i].Attribute))
            {
                int definition = definitions.TryGetValue(read, out int at) ? at : 0;
                if (_items[definition].Place.Layer == entry)
                    form.Append(" input");
                else if (definition >= start && definition < i)
                    form.Append(' ').Append(definition - start);
                else
                    yield break;
            }

            if (_items[i].Name is { } name && _ownNames.Contains(name))
                own.Add(_items[i].Module);
            form.Append(own.Count > 0 && own[own.Count - 1] == _items[i].Module ? " named\n" : "\n");

            // What stands inside ends where the next attribute is a part of it.
            int end = i + 1;
            if (end - start >= MinLength && weight >= MinWeight && weight > placed && lastRead < end && _items[i].Attribute.Kind is not ("From" or TemplateParameters.Use) && (own.Count == 0 || ModuleOf(own) is not null))
            {
                string? module = own.Count == 0 ? null : ModuleOf(own);
                yield return new Segment(start, end, form + string.Join(" ", own.Select(name => name.Substring(module!.Length))), sizes.ToEquatableArray(), module);
            }

            if (_items[i].Name is { } inside && lastReads.TryGetValue(inside, out int last))
                lastRead = Math.Max(lastRead, last);
        }
    }

    private static bool IsSize(AttributeArgument argument) => s_parameters.ContainsKey(argument.Name) && argument.Value is int;

    /// <summary>A size as a parameter has it; unset where it follows from what comes in.</summary>
    private static int SizeOf(AttributeDeclaration attribute, AttributeArgument argument) =>
        argument.Name == "stride" && (int)argument.Value! == AttributeDeclaration.Unset && KeyScheme.IsConvolution(attribute.Kind) && attribute.Find("StrideHeight") is null ? 1 : (int)argument.Value!;

    /// <summary>The templates that parts of one form can have: one where its sizes are no more than there are parameters, else those of the parts that agree in a size too many.</summary>
    private IEnumerable<Candidate> Candidates(List<Segment> same)
    {
        if (same.Count < 2)
            yield break;
        Dictionary<string, string> given = [];
        string[] arguments = Sizes(same[0]);
        string?[] parameters = new string?[arguments.Length];
        for (int place = 0; place < arguments.Length; place++)
        {
            int[] values = [.. same.Select(segment => segment.Sizes[place])];
            if (values.All(value => value == values[0]))
                continue;
            string text = string.Join(" ", values);
            string? parameter = values.Contains(AttributeDeclaration.Unset) ? null
                : s_parameters[arguments[place]].FirstOrDefault(name => given.TryGetValue(name, out string? has) && has == text) ?? s_parameters[arguments[place]].FirstOrDefault(name => !given.ContainsKey(name));
            if (parameter is null)
            {
                foreach (Candidate part in same.GroupBy(segment => segment.Sizes[place]).SelectMany(group => Candidates([.. group])))
                    yield return part;
                yield break;
            }

            (given[parameter], parameters[place]) = (text, parameter);
        }

        yield return new Candidate(same.ToEquatableArray(), parameters.ToEquatableArray());
    }

    /// <summary>The arguments that a part's sizes are, in their order.</summary>
    private string[] Sizes(Segment segment) =>
        [.. Enumerable.Range(segment.Start, segment.End - segment.Start).SelectMany(i => _items[i].Attribute.Arguments).Where(IsSize).Select(argument => argument.Name)];

    private void Replace(Candidate candidate)
    {
        TemplateDeclaration template = TemplateOf(candidate);
        Dictionary<string, string> renamed = [];
        foreach (Segment segment in candidate.Segments.Reverse())
        {
            Item last = _items[segment.End - 1];
            string? name = segment.Module?.TrimEnd('.') ?? (_items.Skip(segment.End).Any(item => last.Name is not null && Reads(item.Attribute).Contains(last.Name)) ? last.Name : null);
            if (last.Name is not null && name is not null)
                renamed[last.Name] = name;
            List<AttributeArgument> arguments = [new("repeat", 1, IsExplicit: false)];
            foreach (string parameter in TemplateParameters.Names)
            {
                int place = Array.IndexOf([.. candidate.Parameters], parameter);
                arguments.Add(new AttributeArgument(parameter, place >= 0 ? segment.Sizes[place] : AttributeDeclaration.Unset, place >= 0));
            }

            if (name is not null)
                arguments.Add(new AttributeArgument("Name", name, IsExplicit: true));
            _items.RemoveRange(segment.Start, segment.End - segment.Start);
            _items.Insert(segment.Start, new Item(new AttributeDeclaration(TemplateParameters.Use, arguments.ToEquatableArray(), template), new WrittenPlace(last.Place.Layer, IsBlock: true)));
            if (segment.Module is not null)
                _ownNames.Add(name!);
        }

        for (int i = 0; i < _items.Count; i++)
            _items[i] = _items[i] with { Attribute = Reading(_items[i].Attribute, read => renamed.TryGetValue(read, out string? other) ? other : read) };
    }

    /// <summary>The attributes of the first part, with parameters in place of what differs, and names that are its own.</summary>
    private TemplateDeclaration TemplateOf(Candidate candidate)
    {
        Segment first = candidate.Segments[0];
        int entry = _items[first.Start - 1].Place.Layer, size = 0;
        Dictionary<string, string> names = _items.Take(first.Start).Where(item => item.Place.Layer == entry && item.Name is not null).GroupBy(item => item.Name!).ToDictionary(group => group.Key, _ => TensorNames.Input);
        if (entry == 0)
            names[TensorNames.Input] = TensorNames.Input;
        HashSet<string> taken = [TensorNames.Input];
        List<AttributeDeclaration> attributes = [];
        for (int i = first.Start; i < first.End; i++)
        {
            List<AttributeArgument> arguments = [];
            foreach (AttributeArgument argument in Reading(_items[i].Attribute, read => names[read]).Arguments.Where(argument => argument.Name != "Name"))
            {
                string? parameter = IsSize(argument) ? candidate.Parameters[size++] : null;
                if (argument.Name != PadChannels)
                    arguments.Add(parameter is null ? argument : new AttributeArgument(argument.Name, TemplateParameters.Constant(parameter), IsExplicit: true));
            }

            if (candidate.Segments.Any(segment => _items[segment.Start + i - first.Start].Attribute.Bool(PadChannels, false)))
                arguments.Add(new AttributeArgument(PadChannels, true, IsExplicit: true));
            if (_items[i].Name is { } name)
            {
                string suffix = _ownNames.Contains(name) ? _items[i].Module.Substring(first.Module!.Length).TrimEnd('.') : string.Empty;
                string plain = suffix.Length > 0 ? suffix : name.Substring(name.LastIndexOf('.') + 1).TrimEnd([.. "0123456789"]), local = plain;
                for (int copy = 2; !taken.Add(local); copy++)
                    local = FormattableString.Invariant($"{plain}{copy}");
                names[name] = local;
                if (suffix.Length > 0 || _items.Skip(i + 1).Take(first.End - i - 1).Any(item => Reads(item.Attribute).Contains(name)))
                    arguments.Add(new AttributeArgument("Name", local, IsExplicit: true));
            }

            attributes.Add(_items[i].Attribute with { Arguments = arguments.ToEquatableArray() });
        }

        EquatableArray<AttributeDeclaration> body = attributes.ToEquatableArray();
        if (_templates.Find(template => template.Attributes == body) is { } known)
            return known;
        string type = TypeName(attributes), free = type;
        for (int copy = 2; !_typeNames.Add(free); copy++)
            free = FormattableString.Invariant($"{type}{copy}");
        _templates.Add(new TemplateDeclaration(free, body));
        return _templates[_templates.Count - 1];
    }

    /// <summary>What papers call blocks like it.</summary>
    private static string TypeName(List<AttributeDeclaration> attributes)
    {
        int depthwise = attributes.FindIndex(attribute => attribute.Kind == "DepthwiseConv2d"), pointwise = attributes.FindIndex(attribute => attribute.Kind == "PointwiseConv2d");
        if (Has("Concat"))
            return Has("SliceChannels") ? "SplitBlock" : "DenseBlock";
        string strided = attributes.Exists(attribute => KeyScheme.IsConvolution(attribute.Kind) && attribute.Int("stride", 1) > 1) ? "Strided" : string.Empty;
        string squeeze = Has("SqueezeExcitation") ? "Squeeze" : string.Empty, residual = Has("Add") ? "Residual" : string.Empty;
        return strided + squeeze + (depthwise >= 0 && pointwise >= 0 ? depthwise < pointwise ? "Separable" : "Inverted" : string.Empty) + residual + "Block";

        bool Has(string kind) => attributes.Exists(attribute => attribute.Kind == kind);
    }

    /// <summary>The same <c>Use</c> several times in a row is one that repeats: without names, or where they are counted from 0 and nobody reads one by its name.</summary>
    private void JoinCopies()
    {
        HashSet<string> read = [.. _items.SelectMany(item => Reads(item.Attribute))];
        for (int i = 0; i < _items.Count; i++)
        {
            if (_items[i].Attribute.Kind != TemplateParameters.Use)
                continue;
            string? module = _items[i].Name is { } name && name.EndsWith(".0", StringComparison.Ordinal) ? name.Substring(0, name.Length - 2) : null;
            if (_items[i].Name is not null && (module is null || _items.Any(item => item.Name == module)))
                continue;
            int count = 1;
            while (i + count < _items.Count && Unnamed(_items[i + count].Attribute) == Unnamed(_items[i].Attribute) && _items[i + count - 1].Name is var before && (before is null || !read.Contains(before))
                && _items[i + count].Name == (module is null ? null : FormattableString.Invariant($"{module}.{count}")))
                count++;
            if (count == 1)
                continue;
            bool isLastRead = _items[i + count - 1].Name is { } last && read.Contains(last);
            if (isLastRead)
                continue;
            AttributeDeclaration use = Unnamed(_items[i].Attribute);
            AttributeArgument repeat = new("repeat", count, IsExplicit: true);
            use = use with { Arguments = new[] { repeat }.Concat(use.Arguments.Where(argument => argument.Name != repeat.Name)).Concat(module is null ? [] : new[] { new AttributeArgument("Name", module, IsExplicit: true) }).ToEquatableArray() };
            _items[i] = new Item(use, _items[i + count - 1].Place);
            _items.RemoveRange(i + 1, count - 1);
        }

        static AttributeDeclaration Unnamed(AttributeDeclaration attribute) => attribute with { Arguments = attribute.Arguments.Where(argument => argument.Name != "Name").ToEquatableArray() };
    }

    /// <summary>The modules that all names begin with, and the dot after them; null where one has nothing after them.</summary>
    private string? ModuleOf(List<string> names)
    {
        string[][] parts = [.. names.Select(name => name.Split('.'))];
        int most = parts.Min(part => part.Length) - 1, shared = Enumerable.Range(0, most).TakeWhile(i => parts.All(part => part[i] == parts[0][i])).Count();
        string module = string.Join(".", parts[0].Take(shared));
        return shared == 0 || _items.Any(item => item.Name == module && !names.Contains(item.Module)) ? null : module + ".";
    }

    /// <summary>The names that an attribute reads.</summary>
    private static EquatableArray<string> Reads(AttributeDeclaration attribute) => attribute.Text("tensor") is { } tensor ? EquatableArray.Of(tensor) : attribute.Texts("tensors");

    private static AttributeDeclaration Reading(AttributeDeclaration attribute, Func<string, string> rename) => attribute with
    {
        Arguments = attribute.Arguments.Select(argument => argument switch
        {
            { Name: "tensor", Value: string tensor } => argument with { Value = rename(tensor) },
            { Name: "tensors", Value: EquatableArray<string> tensors } => argument with { Value = tensors.Select(rename).ToEquatableArray() },
            _ => argument,
        }).ToEquatableArray(),
    };

    /// <summary>An attribute in its place.</summary>
    private sealed record Item(AttributeDeclaration Attribute, WrittenPlace Place)
    {
        public string? Name => Attribute.Text("Name");

        /// <summary>Its name; that of a block stands for the modules inside.</summary>
        public string Module => Place.IsBlock ? Name + "." : Name ?? string.Empty;

        /// <summary>What no template holds: an output is the network's.</summary>
        public bool IsBoundary => !Expansion.IsInSequence(Attribute.Kind) || Attribute.Kind is "Output" or KeyScheme.StageMark;
    }

    /// <summary>What an attribute is in a part, without names.</summary>
    /// <param name="Form">The attribute without the sizes that may differ.</param>
    /// <param name="Sizes">Those sizes.</param>
    /// <param name="Weight">How much of a block it is.</param>
    /// <param name="IsTail">Whether it belongs to what stands before it, or is a template already.</param>
    private sealed record Part(string Form, EquatableArray<int> Sizes, int Weight, bool IsTail)
    {
        private static readonly HashSet<string> s_tails = ["From", TemplateParameters.Use, "Add", "Multiply", "Concat", "Activation", .. Activations.All.Select(row => $"{row.Kind}")];

        public static Part Of(AttributeDeclaration attribute)
        {
            List<string> form = [attribute.Kind, attribute.Template?.Name ?? string.Empty];
            List<int> sizes = [];
            foreach (AttributeArgument argument in attribute.Arguments.Where(argument => argument.Name is not ("Name" or "tensor" or "tensors" or PadChannels)))
            {
                if (IsSize(argument))
                {
                    form.Add(argument.Name);
                    sizes.Add(SizeOf(attribute, argument));
                }
                else if (argument.IsExplicit)
                {
                    form.Add(AttributeText.Of(attribute with { Arguments = EquatableArray.Of(argument) }));
                }
            }

            int weight = KeyScheme.IsConvolution(attribute.Kind) || attribute.Kind is TemplateParameters.Use or "SqueezeExcitation" or "Add" or "Concat" or "Multiply" ? 2 : 0;
            return new Part(string.Join(" ", form), sizes.ToEquatableArray(), weight, s_tails.Contains(attribute.Kind));
        }
    }

    /// <summary>A part that may be a template.</summary>
    /// <param name="Start">Its first attribute.</param>
    /// <param name="End">The one after its last.</param>
    /// <param name="Form">What must be the same in another one.</param>
    /// <param name="Sizes">What may differ.</param>
    /// <param name="Module">What its own names begin with; null where it has none.</param>
    private sealed record Segment(int Start, int End, string Form, EquatableArray<int> Sizes, string? Module);

    /// <summary>Parts of one form, and the parameters that their sizes are; null for a size that is the same in all.</summary>
    private sealed record Candidate(EquatableArray<Segment> Segments, EquatableArray<string?> Parameters)
    {
        /// <summary>Attributes that are not written.</summary>
        public int Saving => ((Segments.Count - 1) * (Segments[0].End - Segments[0].Start - 1)) - 1;
    }
}
