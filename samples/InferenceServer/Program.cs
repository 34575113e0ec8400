using EfficientConv.Dsl;
using EfficientConv.Dsl.Serving;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using MobileNetSample;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

// Settings come from the command line or the environment: Weights=mobilenet_v2.safetensors, Serving__QueueCapacity=128, ApiKeysFile=/run/secrets/keys.
// No file of settings is watched for changes: that would watch every folder below the one that the server is started in.
WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false", .. args]);
ConfigurationManager settings = builder.Configuration;
string? keys = settings["ApiKeysFile"];

builder.WebHost.UseKestrelHttpsConfiguration();
if (!settings.GetSection("Kestrel:Endpoints").Exists() && settings["urls"] is null)
{
    // REST, and gRPC without TLS, which must have a port of its own. Kestrel__Endpoints__... sets others, with certificates.
    builder.WebHost.ConfigureKestrel(kestrel =>
    {
        kestrel.ListenAnyIP(settings.GetValue("HttpPort", 8000));
        kestrel.ListenAnyIP(settings.GetValue("GrpcPort", 8001), endpoint => endpoint.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2);
    });
}

builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
// What a socket has read goes on in the thread that read it; nothing here blocks one.
builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
builder.Services.AddOptions<ConvNetServerOptions>().Bind(settings.GetSection("Serving"));
builder.Services.AddConvNets(models =>
{
    // A file or a folder of versions; without one random weights, to try the server with.
    if (settings["Weights"] is { Length: > 0 } weights)
        models.Add<MobileNetV2>("mobilenet_v2", weights, Configure);
    else
        models.Add("mobilenet_v2", () => MobileNetV2.CreateRandom(seed: 1), Configure);

    void Configure(ModelOptions options) => options.Images.LabelsPath = settings["Labels"];
});
if (keys is not null)
{
    builder.Services.AddAuthentication(ApiKeys.Scheme).AddApiKeys(options => options.KeysPath = keys);
    builder.Services.AddAuthorization();
}

OpenTelemetryBuilder telemetry = builder.Services.AddOpenTelemetry().WithMetrics(
    metrics => metrics.AddMeter(ConvNetServing.TelemetryName, "Microsoft.AspNetCore.Hosting").AddPrometheusExporter());
if (settings["OTEL_EXPORTER_OTLP_ENDPOINT"] is not null)
    telemetry.WithTracing(traces => traces.AddSource(ConvNetServing.TelemetryName, "Microsoft.AspNetCore").AddOtlpExporter());

WebApplication app = builder.Build();
IEndpointConventionBuilder inference = app.MapOpenInference();
if (keys is not null)
    inference.RequireAuthorization();
if (settings.GetValue("ModelRepository", false))
{
    IEndpointConventionBuilder repository = app.MapModelRepository();
    if (keys is not null)
        repository.RequireAuthorization();
}

byte[] page = ReadPage();
app.MapGet("/", context =>
{
    context.Response.ContentType = "text/html; charset=utf-8";
    return context.Response.Body.WriteAsync(page, 0, page.Length, context.RequestAborted);
});
app.MapPrometheusScrapingEndpoint();
try
{
    app.Run();
    return 0;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or OptionsValidationException
    or SafetensorsException or WeightsException or PackedWeightsException)
{
    Console.Error.WriteLine($"The server did not start: {e.Message}");
    return 1;
}

static byte[] ReadPage()
{
    using Stream resource = typeof(Program).Assembly.GetManifestResourceStream("index.html")!;
    byte[] bytes = new byte[resource.Length];
    resource.ReadExactly(bytes);
    return bytes;
}
