using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EfficientConv.Dsl.Serving.Tests.Page;

/// <summary>The C# of <c>docs/serving.md</c>, which compiles here; <see cref="PageCodeTests"/> compares.</summary>
internal static class PageCode
{
    public static void Serve(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
        builder.Services.AddConvNets(models => models.Add<MobileNetV2>("mobilenet_v2", "weights.safetensors"));
        WebApplication app = builder.Build();
        app.MapOpenInference();
        app.Run();
    }

    public static void AddModels(WebApplicationBuilder builder)
    {
        builder.Services.AddConvNets(models => models
            .Add<MobileNetV2>("mobilenet_v2", "/models/mobilenet_v2", options => options.Images.LabelsPath = "imagenet.txt")
            .Add("digits", () => Digits.LoadResource(typeof(Program).Assembly, "digits.safetensors"), options =>
            {
                options.Images.Mean = [0.2860f];
                options.Images.Std = [0.3530f];
            }));
    }

    private static class Program;
}

/// <summary>A network of the page's name.</summary>
[InputShape(3, 8, 8), Conv2d(4), GlobalAvgPool, Linear(10)]
internal sealed partial class MobileNetV2;

/// <inheritdoc cref="MobileNetV2"/>
[InputShape(1, 8, 8), Conv2d(4), GlobalAvgPool, Linear(10)]
internal sealed partial class Digits;
