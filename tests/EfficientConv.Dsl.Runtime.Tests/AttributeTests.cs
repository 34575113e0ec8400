using System.Diagnostics;
using System.Reflection;

namespace EfficientConv.Dsl.Runtime.Tests;

public class AttributeTests
{
    private static readonly Type[] Attributes =
        [.. typeof(LayerAttribute).Assembly.GetExportedTypes().Where(t => t.IsSubclassOf(typeof(Attribute)) && !t.IsAbstract)];

    [Fact]
    public void Every_attribute_is_sealed_conditional_and_for_classes()
    {
        Assert.Equal(68, Attributes.Length);
        foreach (Type type in Attributes)
        {
            Assert.True(type.IsSealed, type.Name);
            Assert.Equal(["EFFICIENTCONV_KEEP_ATTRIBUTES"], type.GetCustomAttribute<ConditionalAttribute>()?.ConditionString is { } s ? [s] : []);
            AttributeUsageAttribute usage = type.GetCustomAttribute<AttributeUsageAttribute>()!;
            Assert.Equal(AttributeTargets.Class, usage.ValidOn);
            Assert.Equal(type != typeof(InputShapeAttribute) && type != typeof(ScheduleAttribute) && type != typeof(BudgetAttribute) && type != typeof(ImageInputAttribute), usage.AllowMultiple);
            Assert.False(usage.Inherited);
        }
    }

    [Fact]
    public void Every_constructor_parameter_can_be_read_back()
    {
        foreach (Type type in Attributes)
        {
            ConstructorInfo constructor = Assert.Single(type.GetConstructors());
            foreach (ParameterInfo parameter in constructor.GetParameters())
            {
                PropertyInfo? property = type.GetProperty(char.ToUpperInvariant(parameter.Name![0]) + parameter.Name[1..]);
                Assert.Equal(parameter.ParameterType, property?.PropertyType);
            }
        }
    }
}
