using System.Net;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EfficientConv.Dsl.Serving.Tests;

/// <summary>A server in this process with real sockets: one port for REST, one for gRPC.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly GrpcChannel _channel;

    private TestServer(WebApplication app)
    {
        App = app;
        string[] addresses = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];
        Http = new HttpClient { BaseAddress = new Uri(addresses[0]) };
        GrpcAddress = new Uri(addresses[1]);
        _channel = GrpcChannel.ForAddress(GrpcAddress);
        Grpc = new Serving.Grpc.GRPCInferenceService.GRPCInferenceServiceClient(_channel);
    }

    public WebApplication App { get; }

    public HttpClient Http { get; }

    public Uri GrpcAddress { get; }

    public GrpcChannel Channel => _channel;

    public Serving.Grpc.GRPCInferenceService.GRPCInferenceServiceClient Grpc { get; }

    public ModelRepository Models => App.Services.GetRequiredService<ModelRepository>();

    public static TinyNet Tiny { get; } = TinyNet.CreateRandom(1);

    public static TwoOutputs Two { get; } = TwoOutputs.CreateRandom(2);

    public static async Task<TestServer> StartAsync(
        Action<ConvNetServerOptions>? options = null, Action<ConvNetModels>? models = null, Action<WebApplicationBuilder>? services = null, Action<WebApplication>? map = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddConvNets(models ?? (all => all.Add("tiny", () => Tiny).Add("two", () => Two)));
        if (options is not null)
            builder.Services.Configure(options);
        services?.Invoke(builder);
        WebApplication app = builder.Build();
        (map ?? (static web => web.MapOpenInference()))(app);
        await app.StartAsync();
        return new TestServer(app);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        _channel.Dispose();
        await App.DisposeAsync();
    }

    /// <summary>Values that differ, for images of the small classifier.</summary>
    public static float[] Values(int length, int seed = 1)
    {
        Random random = new(seed);
        float[] values = new float[length];
        for (int i = 0; i < values.Length; i++)
            values[i] = (random.NextSingle() * 4) - 2;
        return values;
    }

    /// <summary>What the network itself gives.</summary>
    public static float[] Forward<TNetwork>(TNetwork network, float[] input)
        where TNetwork : class, IConvNet<TNetwork>
    {
        int batch = input.Length / (int)TNetwork.InputShape.ElementCount;
        float[] output = new float[batch * TNetwork.OutputShape.ElementCount];
        network.Forward(batch, input, output);
        return output;
    }

    public static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual) =>
        Assert.Equal(expected.ToArray().Select(BitConverter.SingleToUInt32Bits), actual.ToArray().Select(BitConverter.SingleToUInt32Bits));
}
