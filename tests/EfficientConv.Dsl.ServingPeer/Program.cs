using System.Text.Json;
using EfficientConv.Dsl.Serving;
using EfficientConv.Dsl.ServingPeer;
using MobileNetSample;

// "ort" or "kernels": one server, two networks with the same weights. "bench [--json]": what the two give without a server, on as many threads as there are cores.
// "save FOLDER": the weights as files for the server's sample.
if (args is ["save", var folder])
{
    File.WriteAllBytes(Path.Combine(folder, "mobilenet_v2.safetensors"), OnnxNetwork.Weights());
    MobileNetV2.Load(OnnxNetwork.Weights()).SavePacked(Path.Combine(folder, "mobilenet_v2.packed"));
    return;
}

if (args is ["bench", ..] and ([_] or [_, "--json"]))
{
    MobileNetV2 kernels = MobileNetV2.Load(OnnxNetwork.Weights());
    using OnnxNetwork onnx = OnnxNetwork.Create();
    BenchFigures[] figures = [Bench.Run("kernels", (input, output) => kernels.Forward(input, output)), Bench.Run("ONNX Runtime", (input, output) => onnx.Forward(input, output))];
    if (args is [_, "--json"])
        Console.WriteLine(JsonSerializer.Serialize(figures, JsonSerializerOptions.Web));
    else
        Array.ForEach(figures, Console.WriteLine);
    return;
}

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(8000));
builder.Services.AddConvNets(models =>
{
    if (args is ["ort"])
        models.Add("mobilenet_v2", OnnxNetwork.Create);
    else
        models.Add("mobilenet_v2", () => MobileNetV2.Load(OnnxNetwork.Weights()));
});
WebApplication app = builder.Build();
app.MapOpenInference();
app.Run();
