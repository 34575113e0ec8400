using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using EfficientConv.Dsl.Compiler;
using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Tests.Harness;
using EfficientConv.Dsl.Tests.RandomNetworks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EfficientConv.Dsl.Tests;

/// <summary>The generated text itself: small methods, deterministic, correct under every setting of the user's project.</summary>
public sealed class GeneratedCodeTests
{
    private const int MaxILBytes = 60 * 1024, MaxLocals = 1000;

    private const BindingFlags AllDeclared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    /// <summary>Beyond these sizes the just-in-time compiler stops optimising or keeping locals in registers.</summary>
    [Theory]
    [InlineData("fixtures")]
    [InlineData("random")]
    [InlineData("samples")]
    public void Methods_StayWithinTheJustInTimeCompilersBudget(string batch)
    {
        Assembly assembly = (batch switch { "fixtures" => Fixture.Batch, "random" => RandomCase.Batch, _ => SampleNetworks.Batch }).Assembly;
        MethodBase[] methods = [.. assembly.GetTypes().SelectMany(t => t.GetMethods(AllDeclared).Concat<MethodBase>(t.GetConstructors(AllDeclared)))];
        Assert.True(methods.Length > 100);
        List<string> excess = [];
        foreach (MethodBase method in methods)
        {
            if (method.GetMethodBody() is { } body && (body.GetILAsByteArray()!.Length > MaxILBytes || body.LocalVariables.Count >= MaxLocals))
                excess.Add($"{method.DeclaringType!.Name}.{method.Name}: {body.GetILAsByteArray()!.Length} bytes of IL, {body.LocalVariables.Count} locals");
        }

        Assert.Empty(excess);
    }

    [Fact]
    public void Text_IsTheSameTwiceAndInEveryCulture()
    {
        foreach (string text in Fixture.All.Select(f => f.Declaration).Append(SampleNetworks.MobileNetV2))
        {
            EquatableArray<GeneratedSource> first = NetworkCompiler.Compile(DeclarationText.Parse(text), ScheduleSettings.Default).Sources;
            CultureInfo culture = CultureInfo.CurrentCulture;
            CultureInfo.CurrentCulture = Swedish();
            try
            {
                Assert.Equal(first, NetworkCompiler.Compile(DeclarationText.Parse(text), ScheduleSettings.Default).Sources);
            }
            finally
            {
                CultureInfo.CurrentCulture = culture;
            }
        }
    }

    [Fact]
    public void Code_GivesTheUserNoWarnings()
    {
        Assert.Empty(Fixture.Batch.Warnings);
        Assert.Empty(RandomCase.Batch.Warnings);
        Assert.Empty(SampleNetworks.Batch.Warnings);
    }

    /// <summary>The files switch warnings off for the user's sake, but a person reads them: nothing in them may be unused.</summary>
    [Fact]
    public void Code_WouldHaveNoWarningsIfTheyWereOn()
    {
        CSharpParseOptions parse = new(LanguageVersion.CSharp12);
        IEnumerable<string> declarations = Fixture.All.Where((_, i) => i % 12 == 0).Select(f => f.Declaration).Concat(SampleNetworks.All.Values.Where(text => text != SampleNetworks.MobileNetV2));
        IEnumerable<string> sources = declarations.SelectMany((text, i) => new[]
        {
            DeclarationText.Generate(text, null, Name(i)), DeclarationText.Generate(text, "Avx512", Name(i)), DeclarationText.Generate(text, "Avx2", Name(i)), DeclarationText.Generate(text, "Vector128", Name(i)),
            $"namespace Batch {{ /// <summary>A network.</summary>\npublic sealed partial class {Name(i)}; }}",
        });
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Warnings",
            sources.Select(text => CSharpSyntaxTree.ParseText(text.Replace("#pragma warning disable", string.Empty, StringComparison.Ordinal), parse)),
            NetworkBatch.References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, warningLevel: 9999, nullableContextOptions: NullableContextOptions.Enable));
        string[] warnings = [.. compilation.GetDiagnostics().Where(d => d.Severity >= DiagnosticSeverity.Warning).Select(d => $"{d.Id}: {d.GetMessage(CultureInfo.InvariantCulture)}").Distinct()];
        Assert.True(warnings.Length == 0, string.Join('\n', warnings));

        static string Name(int i) => FormattableString.Invariant($"Network{i}");
    }

    [Fact]
    public void OverflowChecks_ChangeNothing()
    {
        // Every kind of layer and block, but not every shape of it.
        Fixture[] some = [.. Fixture.All.Where((_, i) => i % 7 == 0)];
        NetworkBatch batch = NetworkBatch.Compile(some.Select(f => (f.Name, f.Declaration)), LanguageVersion.CSharp12, checkOverflow: true);
        foreach (Fixture fixture in some)
        {
            foreach (InstructionSet set in Numbers.Sets)
            {
                NetworkFactory factory = Fixture.Batch[fixture.Name];
                float[] input = RandomValues.Image(factory.InputShape.ElementCount, 1);
                LoadOptions options = new() { InstructionSet = set };
                Numbers.AssertSameBits(
                    factory.CreateRandom(1, options).Run(input, 1, factory.OutputShape), batch[fixture.Name].CreateRandom(1, options).Run(input, 1, factory.OutputShape),
                    () => $"{set}, {fixture.Declaration}");
            }
        }
    }

    /// <summary>Nothing of the user's can be meant by a name in the user's half: every type is written from <c>global::</c> on.</summary>
    [Fact]
    public void UsersHalf_NamesEverythingFromGlobal()
    {
        string text = DeclarationText.Generate(SampleNetworks.All["MobileBlock"], target: null, "MobileBlock");
        string users = string.Join('\n', text[..text.IndexOf("namespace EfficientConv.Dsl.Generated", StringComparison.Ordinal)].Split('\n').Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal)));
        Assert.Empty(Regex.Matches(users, @"(?<!global::|[\w.""])(System|EfficientConv)\.\w+").Select(m => m.Value));
        Assert.DoesNotContain("using ", users, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_HasUnixLineEndsAndNoTrailingSpaces()
    {
        foreach ((string hint, string text) in SampleNetworks.Batch.Sources)
        {
            Assert.DoesNotContain('\r', text);
            Assert.DoesNotContain('\t', text);
            Assert.False(Regex.IsMatch(text, @"[ ]+\n"), hint);
            Assert.EndsWith("}\n", text, StringComparison.Ordinal);
        }
    }

    /// <summary>Swedish as .NET knows it with ICU: decimal comma and U+2212 for minus. Made by hand, because the machine may have no culture data.</summary>
    private static CultureInfo Swedish()
    {
        CultureInfo culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NegativeSign = "\u2212";
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NumberGroupSeparator = "\u00A0";
        return culture;
    }
}
