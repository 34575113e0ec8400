using System.Text.Json;
using System.Text.Json.Nodes;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Cli.Running;
using EfficientConv.Dsl.Compiler.Cost;
using EfficientConv.Dsl.Measuring;

namespace EfficientConv.Dsl.Cli.Tests;

/// <summary>The file of measured machines, which other programs and people may have changed.</summary>
public sealed class CalibrationTests
{
    private static readonly string s_key = $"{Machine.Processor}, {InstructionSet.Scalar}";

    [Theory]
    [InlineData("", "the input does not contain any JSON tokens")]
    [InlineData("null", "expected an object of machines, found null")]
    [InlineData("[1, 2]", "expected an object of machines, found array")]
    [InlineData("{ \"KEY\": ", "")]
    [InlineData("{ \"KEY\": NaN }", "")]
    [InlineData("{ \"KEY\": null }", "\" is null; expected an object of figures")]
    [InlineData("{ \"KEY\": 3 }", "\" is number; expected an object of figures")]
    [InlineData("{ \"KEY\": {} }", "macsPerSecond of ")]
    [InlineData("{ \"KEY\": WITH macsPerSecond null }", "is missing; expected a number from 1000000 to ")]
    [InlineData("{ \"KEY\": WITH macsPerSecond -1 }", "is -1; expected a number from 1000000 to ")]
    [InlineData("{ \"KEY\": WITH macsPerSecond 0 }", "is 0; expected")]
    [InlineData("{ \"KEY\": WITH macsPerSecond 1e300 }", "is 1e300; expected")]
    [InlineData("{ \"KEY\": WITH macsPerSecond 1e999 }", "is 1e999; expected")]
    [InlineData("{ \"KEY\": WITH macsPerSecond \"NaN\" }", "is \"NaN\"; expected")]
    [InlineData("{ \"KEY\": WITH memoryBandwidth -15 }", "memoryBandwidth of ")]
    [InlineData("{ \"KEY\": WITH lastLevelBytes 99999999999999999999 }", "lastLevelBytes of ")]
    [InlineData("{ \"KEY\": WITH secondLevelBytes -5 }", "secondLevelBytes of ")]
    [InlineData("{ \"KEY\": [], \"KEY\": [] }", "")]
    public void FiguresThatCannotBe_AreMeasuredAnewAndSaid(string text, string reason)
    {
        using Tool tool = new();
        string file = tool.Write("machines.json", Filled(text));
        using StringWriter error = new();
        MachineModel machine = Calibration.Of(InstructionSet.Scalar, again: false, new Terminal(TextWriter.Null, error), file);
        string line = Assert.Single(error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith($"note: {file}: ", line, StringComparison.Ordinal);
        Assert.EndsWith("; this machine is measured anew.", line.TrimEnd(), StringComparison.Ordinal);
        Assert.Contains(reason, line, StringComparison.OrdinalIgnoreCase);
        Assert.All((double[])[machine.MacsPerSecond, machine.SecondLevelBandwidth, machine.LastLevelBandwidth, machine.MemoryBandwidth], rate => Assert.InRange(rate, Calibration.LeastPerSecond, Calibration.MostPerSecond));

        // The file is right again.
        using StringWriter silent = new();
        Assert.Equal(machine, Calibration.Of(InstructionSet.Scalar, again: false, new Terminal(TextWriter.Null, silent), file));
        Assert.Empty(silent.ToString());
    }

    [Fact]
    public void OtherMachines_StayAndAreNotLookedAt()
    {
        using Tool tool = new();
        string file = tool.Write("machines.json", "{ \"another machine\": null, \"a third\": { \"macsPerSecond\": -1 } }");
        using StringWriter error = new();
        Calibration.Of(InstructionSet.Scalar, again: false, new Terminal(TextWriter.Null, error), file);
        Assert.Empty(error.ToString());
        JsonObject written = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        Assert.Equal(["another machine", "a third", s_key], written.Select(pair => pair.Key));
        Assert.Equal(JsonValueKind.Object, written[s_key]!.GetValueKind());
    }

    [Fact]
    public void AFolderInItsPlace_IsSaid()
    {
        using Tool tool = new();
        Directory.CreateDirectory(tool.At("machines.json"));
        using StringWriter error = new();
        Calibration.Of(InstructionSet.Scalar, again: false, new Terminal(TextWriter.Null, error), tool.At("machines.json"));
        Assert.Contains("cannot be written", error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>WITH name value: figures of a usual machine, of which one is another.</summary>
    private static string Filled(string text)
    {
        string[] words = text.Split(' ');
        int with = Array.IndexOf(words, "WITH");
        if (with >= 0)
        {
            string[] figures = ["macsPerSecond", "secondLevelBytes", "lastLevelBytes", "secondLevelBandwidth", "lastLevelBandwidth", "memoryBandwidth"];
            words[with] = $"{{ {string.Join(", ", figures.Select(name => $"\"{name}\": {(name == words[with + 1] ? words[with + 2] : "1e9")}"))} }}";
            words = [.. words[..(with + 1)], .. words[(with + 3)..]];
        }

        return string.Join(' ', words).Replace("KEY", s_key, StringComparison.Ordinal);
    }
}
