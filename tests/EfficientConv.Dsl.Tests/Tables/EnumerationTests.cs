using System.Reflection;
using EfficientConv.Dsl.Compiler.Graph;

namespace EfficientConv.Dsl.Tests.Tables;

/// <summary>The compiler knows nothing of the runtime library, so it has enumerations of its own for what attributes and generated code say by number or by name.</summary>
public sealed class EnumerationTests
{
    /// <summary>Every copied enumeration by the name of its copy.</summary>
    private static readonly Dictionary<Type, string> s_copies = new()
    {
        [typeof(TensorLayout)] = "SpanLayout",
        [typeof(AutoPad)] = "AutoPadMode",
        [typeof(Shortcut)] = "ShortcutMode",
        [typeof(SqueezeSource)] = "SqueezeSource",
        [typeof(Activation)] = "ActivationKind",
        [typeof(ConvAlgorithm)] = "ConvolutionAlgorithm",
        [typeof(Interpolation)] = "InterpolationMode",
        [typeof(PadMode)] = "PadMode",
        [typeof(BlockForm)] = "BlockForm",
        [typeof(KeyStyle)] = "KeyStyle",
        [typeof(TensorKind)] = "ParameterKind",
    };

    /// <summary>Those that only the runtime library knows, and those of which the compiler has records with more in them.</summary>
    private static readonly HashSet<Type> s_others = [typeof(InstructionSet), typeof(PixelFormat), typeof(WeightsProblemKind), typeof(SafetensorsType), typeof(Runtime.WinogradForm)];

    public static TheoryData<string> Copied => [.. s_copies.Keys.Select(type => type.Name)];

    [Theory]
    [MemberData(nameof(Copied))]
    public void Copy_HasTheNamesAndNumbersOfTheOriginal(string name)
    {
        (Type original, string copy) = s_copies.Single(pair => pair.Key.Name == name);
        Assert.Equal(Members(original), Members(CopyOf(copy)));
    }

    [Fact]
    public void EveryEnumeration_IsCopiedOrNeedsNoCopy() =>
        Assert.Equal(typeof(LayerAttribute).Assembly.GetExportedTypes().Where(type => type.IsEnum).ToHashSet(), [.. s_copies.Keys, .. s_others]);

    [Fact]
    public void EveryArgumentOfAnAttribute_HasACopiedEnumeration()
    {
        IEnumerable<Type> attributes = typeof(LayerAttribute).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(Attribute)));
        HashSet<Type> used = [.. attributes.SelectMany(type => type.GetProperties()).Select(property => property.PropertyType).Where(type => type.IsEnum)];
        Assert.Superset(used, s_copies.Keys.ToHashSet());
        Assert.Contains(typeof(Activation), used);
    }

    /// <summary>Whoever writes attributes knows which enumeration an argument's number is of.</summary>
    [Fact]
    public void WrittenArguments_NameTheirEnumeration()
    {
        foreach (Type attribute in typeof(LayerAttribute).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(Attribute)) && !type.IsAbstract && !type.IsGenericType))
        {
            string kind = attribute.Name[..^nameof(Attribute).Length];
            IEnumerable<(string Name, Type Type)> arguments = attribute.GetConstructors().Single().GetParameters().Select(p => (p.Name!, p.ParameterType))
                .Concat(attribute.GetProperties().Where(p => p.CanWrite).Select(p => (p.Name, p.PropertyType)));
            Assert.All(arguments, argument => Assert.Equal(
                argument.Type.IsEnum ? (argument.Type.Name, s_copies[argument.Type]) : default, AttributeText.EnumerationOf(kind, argument.Name) is { } found ? (found.Name, found.Members.Name) : default));
        }
    }

    /// <summary>The forms of Winograd's algorithm go into generated code by name.</summary>
    [Fact]
    public void WinogradForms_AreNamedAlike()
    {
        Type record = typeof(Operator).Assembly.GetTypes().Single(type => type.Name == "WinogradForm");
        Assert.Equal(Enum.GetNames<Runtime.WinogradForm>().Order(), record.GetProperties(BindingFlags.Public | BindingFlags.Static).Where(p => p.PropertyType == record).Select(p => p.Name).Order());
    }

    private static Type CopyOf(string name) => typeof(Operator).Assembly.GetTypes().Single(type => type.IsEnum && type.Name == name);

    private static IEnumerable<(string Name, int Number)> Members(Type type) =>
        type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (field.Name, Convert.ToInt32(field.GetRawConstantValue(), System.Globalization.CultureInfo.InvariantCulture)));
}
