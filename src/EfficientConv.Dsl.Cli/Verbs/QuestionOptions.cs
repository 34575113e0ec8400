using System.CommandLine;
using EfficientConv.Dsl.Cli.Input;

namespace EfficientConv.Dsl.Cli.Verbs;

/// <summary>The options that describe a layer.</summary>
internal sealed class QuestionOptions
{
    private const int Largest = 65536;

    private readonly Option<int?> _in = Count("--in", "Input channels.");
    private readonly Option<int?> _out = Count("--out", "Output channels.");
    private readonly Option<int?> _size = Count("--size", "Height and width of the input.");
    private readonly Option<int?> _kernel = Count("--kernel", "Kernel size, odd; 3 where it is left out.");
    private readonly Option<int?> _stride = Count("--stride", "Stride; 1 where it is left out.");

    public void AddTo(Command command, bool required)
    {
        foreach (Option<int?> option in new[] { _in, _out, _size })
        {
            option.Required = required;
            command.Add(option);
        }

        command.Add(_kernel);
        command.Add(_stride);
    }

    /// <summary>The layer; null where nothing of it is given.</summary>
    public LayerQuestion? Read(ParseResult parsed)
    {
        int? inputs = parsed.GetValue(_in), outputs = parsed.GetValue(_out), size = parsed.GetValue(_size), kernel = parsed.GetValue(_kernel), stride = parsed.GetValue(_stride);
        if (inputs is null && outputs is null && size is null && kernel is null && stride is null)
            return null;
        if (inputs is null || outputs is null || size is null)
            throw new ToolException("A layer needs --in, --out and --size.");
        if (kernel is { } k && (k % 2 == 0 || k > 31))
            throw new ToolException(FormattableString.Invariant($"--kernel is {k}; it must be odd and at most 31, so that padding keeps the size of the map."));
        return new LayerQuestion(inputs.Value, outputs.Value, size.Value, kernel ?? 3, stride ?? 1);
    }

    private static Option<int?> Count(string name, string description)
    {
        Option<int?> option = new(name) { Description = description, HelpName = "n" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value) && value is < 1 or > Largest)
                result.AddError(FormattableString.Invariant($"{name} is {value}; it must be from 1 to {Largest}."));
        });
        return option;
    }
}
