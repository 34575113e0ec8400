using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using EfficientConv.Dsl.Serving.Grpc;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EfficientConv.Dsl.Serving.Tests;

/// <summary>TLS as the page says it: by settings alone, both protocols on one port.</summary>
public sealed class TlsTests : IDisposable
{
    private const int Length = 3 * 16 * 16;

    private readonly string _folder = Directory.CreateTempSubdirectory("serving-tests").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task RestAndGrpc_OverOnePort_FromSettings()
    {
        using X509Certificate2 certificate = WriteCertificate();
        await using WebApplication app = await StartAsync();
        Uri address = Address(app);
        Assert.Equal(Uri.UriSchemeHttps, address.Scheme);
        using SocketsHttpHandler handler = Trusting(certificate);
        using HttpClient http = new(handler) { BaseAddress = address };

        float[] values = TestServer.Values(Length), expected = TestServer.Forward(TestServer.Tiny, values);
        string json = """{"inputs":[{"name":"input","shape":[1,3,16,16],"datatype":"FP32","parameters":{"binary_data_size":3072}}],"parameters":{"binary_data_output":true}}""";
        using ByteArrayContent content = new([.. Encoding.ASCII.GetBytes(json), .. MemoryMarshal.AsBytes<float>(values)]);
        content.Headers.Add("Inference-Header-Content-Length", $"{json.Length}");
        using HttpResponseMessage response = await http.PostAsync("v2/models/tiny/infer", content);
        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version11), (response.StatusCode, response.Version));
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        TestServer.AssertSameBits(expected, MemoryMarshal.Cast<byte, float>(body.AsSpan()[^(10 * sizeof(float))..]));

        using GrpcChannel channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions { HttpHandler = Trusting(certificate), DisposeHttpClient = true });
        Serving.Grpc.GRPCInferenceService.GRPCInferenceServiceClient grpc = new(channel);
        ModelInferRequest request = new() { ModelName = "tiny", RawInputContents = { ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(values)) } };
        request.Inputs.Add(new ModelInferRequest.Types.InferInputTensor { Name = "input", Datatype = "FP32", Shape = { 1, 3, 16, 16 } });
        ModelInferResponse answer = await grpc.ModelInferAsync(request);
        TestServer.AssertSameBits(expected, MemoryMarshal.Cast<byte, float>(answer.RawOutputContents[0].Span));
    }

    [Fact]
    public async Task ClientWithoutTrust_OrWithoutTls_GetsNothing()
    {
        using X509Certificate2 certificate = WriteCertificate(), other = Create();
        await using WebApplication app = await StartAsync();
        Uri address = Address(app);
        using HttpClient plain = new(), untrusting = new(Trusting(other));
        await Assert.ThrowsAsync<HttpRequestException>(() => untrusting.GetAsync(new Uri(address, "v2")));
        await Assert.ThrowsAsync<HttpRequestException>(() => plain.GetAsync(new UriBuilder(address) { Scheme = "http", Path = "v2" }.Uri));
        using HttpClient trusting = new(Trusting(certificate));
        Assert.Equal(HttpStatusCode.OK, (await trusting.GetAsync(new Uri(address, "v2"))).StatusCode);
    }

    [Fact]
    public async Task CertificateThatIsNotThere_EndsTheStart()
    {
        Exception exception = await Assert.ThrowsAnyAsync<Exception>(StartAsync);
        Assert.Contains("tls.crt", exception.Message, StringComparison.Ordinal);
    }

    private static Uri Address(WebApplication app) => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    private static SocketsHttpHandler Trusting(X509Certificate2 certificate) => new()
    {
        SslOptions = { RemoteCertificateValidationCallback = (_, found, _, _) => found?.GetCertHashString() == certificate.GetCertHashString() },
    };

    private static X509Certificate2 Create()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>Under the names that Kubernetes gives a secret's files.</summary>
    private X509Certificate2 WriteCertificate()
    {
        X509Certificate2 certificate = Create();
        File.WriteAllText(Path.Combine(_folder, "tls.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_folder, "tls.key"), certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        return certificate;
    }

    private async Task<WebApplication> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Kestrel:Endpoints:Https:Url"] = "https://127.0.0.1:0",
            ["Kestrel:Endpoints:Https:Certificate:Path"] = Path.Combine(_folder, "tls.crt"),
            ["Kestrel:Endpoints:Https:Certificate:KeyPath"] = Path.Combine(_folder, "tls.key"),
        });
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.AddConvNets(models => models.Add("tiny", () => TestServer.Tiny));
        WebApplication app = builder.Build();
        app.MapOpenInference();
        try
        {
            await app.StartAsync();
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }
}
