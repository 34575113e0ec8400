using EfficientConv.Dsl.Serving;
using EfficientConv.Dsl.ServingPeer;
using MobileNetSample;

// "ort" or "kernels": one server, two networks with the same weights.
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
