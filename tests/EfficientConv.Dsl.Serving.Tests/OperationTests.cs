using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using EfficientConv.Dsl.Serving.Grpc;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EfficientConv.Dsl.Serving.Tests;

public sealed class OperationTests : IDisposable
{
    private const int Length = 3 * 16 * 16;

    private readonly string _folder = Directory.CreateTempSubdirectory("serving-tests").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ModelReplacedUnderLoad_EachAnswerIsWhollyOfOneVersion()
    {
        TinyNet[] networks = [TinyNet.CreateRandom(1), TinyNet.CreateRandom(2)];
        int loads = 0;
        await using TestServer server = await TestServer.StartAsync(models: models => models.Add("tiny", () => networks[Interlocked.Increment(ref loads) % 2]));
        float[] values = TestServer.Values(2 * Length);
        string[] expected = [.. networks.Select(network => Convert.ToHexString(MemoryMarshal.AsBytes<float>(TestServer.Forward(network, values))))];
        using CancellationTokenSource stop = new();
        HashSet<string>[] seen = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            HashSet<string> answers = [];
            for (int i = 0; i < 150; i++)
            {
                ModelInferResponse response = await server.Grpc.ModelInferAsync(Request(values, 2));
                answers.Add(Convert.ToHexString(response.RawOutputContents[0].Span));
                if (i % 10 == 0)
                    await server.Models.LoadAsync("tiny");
            }

            return answers;
        })));
        Assert.Equal(expected.Order(), seen.SelectMany(answers => answers).Distinct().Order());
    }

    [Fact]
    public async Task FolderOfVersions_IsServed_Replaced_AndUnloaded()
    {
        WriteVersion("2", 2);
        WriteVersion("10", 10);
        await using TestServer server = await TestServer.StartAsync(
            models: models => models.Add<TinyNet>("tiny", _folder), map: app =>
            {
                app.MapOpenInference();
                app.MapModelRepository();
            });
        Assert.Equal([("tiny", "2"), ("tiny", "10")], server.Models.Served);
        await AssertServedAsync(server, "2", 2);
        await AssertServedAsync(server, "", 10);

        // A version is added, one is changed, one is gone.
        WriteVersion("11", 11);
        WriteVersion("10", 100);
        Directory.Delete(Path.Combine(_folder, "2"), recursive: true);
        Assert.Equal("", await PostAsync(server, "v2/repository/models/tiny/load", HttpStatusCode.OK));
        await AssertServedAsync(server, "10", 100);
        await AssertServedAsync(server, "", 11);
        RpcException gone = await Assert.ThrowsAsync<RpcException>(() => InferAsync(server, "2"));
        Assert.Equal(StatusCode.NotFound, gone.StatusCode);

        // A damaged one changes nothing, not even what is right beside it.
        WriteVersion("11", 12);
        Directory.CreateDirectory(Path.Combine(_folder, "12"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "12", "weights.safetensors"), "damaged");
        string failed = await PostAsync(server, "v2/repository/models/tiny/load", HttpStatusCode.BadRequest);
        Assert.Contains("could not be loaded (SafetensorsException)", failed, StringComparison.Ordinal);
        await AssertServedAsync(server, "", 11);
        await Assert.ThrowsAsync<SafetensorsException>(() => server.Models.LoadAsync("tiny"));

        Assert.Equal(
            """[{"name":"tiny","version":"10","state":"READY"},{"name":"tiny","version":"11","state":"READY"}]""",
            await PostAsync(server, "v2/repository/index", HttpStatusCode.OK));
        Assert.Equal("", await PostAsync(server, "v2/repository/models/tiny/unload", HttpStatusCode.OK));
        Assert.Contains("is not served here", await PostAsync(server, "v2/repository/models/tiny/unload", HttpStatusCode.NotFound), StringComparison.Ordinal);
        Assert.Contains("There is no model", await PostAsync(server, "v2/repository/models/none/load", HttpStatusCode.NotFound), StringComparison.Ordinal);
        Assert.Equal("""[{"name":"tiny","state":"UNAVAILABLE","reason":"unloaded"}]""", await PostAsync(server, "v2/repository/index", HttpStatusCode.OK));
        Assert.Equal("[]", await PostAsync(server, "v2/repository/index", HttpStatusCode.OK, """{"ready":true}"""));
        Assert.Contains("no JSON object with", await PostAsync(server, "v2/repository/index", HttpStatusCode.BadRequest, """{"ready":"""), StringComparison.Ordinal);
        gone = await Assert.ThrowsAsync<RpcException>(() => InferAsync(server, ""));
        Assert.Equal(StatusCode.NotFound, gone.StatusCode);

        Directory.Delete(Path.Combine(_folder, "12"), recursive: true);
        await server.Models.LoadAsync("tiny");
        await AssertServedAsync(server, "", 12);
        Assert.True(server.Models.Unload("tiny", "11"));
        await AssertServedAsync(server, "", 100);
    }

    [Fact]
    public async Task ModelThatCannotBeLoaded_EndsTheStart()
    {
        await Assert.ThrowsAsync<FileNotFoundException>(() => TestServer.StartAsync(models: models => models.Add<TinyNet>("tiny", Path.Combine(_folder, "none.safetensors"))));
        InvalidDataException exception = await Assert.ThrowsAsync<InvalidDataException>(() => TestServer.StartAsync(models: models => models.Add<TinyNet>("tiny", _folder)));
        Assert.Equal($"{_folder}: expected a folder for each version of tiny, found none", exception.Message);
    }

    [Fact]
    public async Task PackedWeights_AreServed()
    {
        string path = Path.Combine(_folder, "tiny.packed");
        TestServer.Tiny.SavePacked(path);
        await using TestServer server = await TestServer.StartAsync(models: models => models.Add<TinyNet>("tiny", path, options => options.Version = "7"));
        Assert.Equal([("tiny", "7")], server.Models.Served);
        await AssertServedAsync(server, "7", 1);
    }

    [Fact]
    public async Task Drain_FinishesWhatRuns_AndIsNotReadyMeanwhile()
    {
        await using TestServer server = await TestServer.StartAsync(options => options.DrainDelay = TimeSpan.FromMilliseconds(400));
        Task stopping = server.App.StopAsync();
        HttpStatusCode ready = HttpStatusCode.OK;
        for (int i = 0; i < 30 && ready == HttpStatusCode.OK; i++)
        {
            await Task.Delay(5);
            using HttpResponseMessage response = await server.Http.GetAsync("v2/health/ready");
            ready = response.StatusCode;
        }

        Assert.Equal(HttpStatusCode.BadRequest, ready);
        Assert.False((await server.Grpc.ServerReadyAsync(new ServerReadyRequest())).Ready);
        // Whoever has not heard of it yet is served as before.
        await InferAsync(server, "");
        // A request whose body is on its way when the listener closes is answered.
        using TcpClient client = new();
        await client.ConnectAsync("127.0.0.1", server.Http.BaseAddress!.Port);
        byte[] body = new byte[Length * 4];
        string json = """{"inputs":[{"name":"input","shape":[1,3,16,16],"datatype":"FP32","parameters":{"binary_data_size":3072}}]}""";
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /v2/models/tiny/infer HTTP/1.1\r\nHost: x\r\nInference-Header-Content-Length: {json.Length}\r\nContent-Length: {json.Length + body.Length}\r\n\r\n{json}"));
        await Task.Delay(600);
        await client.GetStream().WriteAsync(body);
        using StreamReader reader = new(client.GetStream());
        Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync());
        await stopping.WaitAsync(TimeSpan.FromSeconds(20));
        await Assert.ThrowsAsync<HttpRequestException>(() => server.Http.GetAsync("v2"));
    }

    [Fact]
    public async Task SlowClients_AreEnded_AndOthersServed()
    {
        await using TestServer server = await TestServer.StartAsync(options => options.BodyTimeout = TimeSpan.FromMilliseconds(300));
        List<TcpClient> slow = [];
        for (int i = 0; i < 100; i++)
        {
            TcpClient client = new();
            await client.ConnectAsync("127.0.0.1", server.Http.BaseAddress!.Port);
            await client.GetStream().WriteAsync("POST /v2/models/tiny/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{\"inputs\""u8.ToArray());
            slow.Add(client);
        }

        await InferAsync(server, "");
        foreach (TcpClient client in slow)
        {
            using StreamReader reader = new(client.GetStream());
            Assert.Equal("HTTP/1.1 408 Request Timeout", await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)));
            client.Dispose();
        }

        await InferAsync(server, "");
    }

    [Fact]
    public async Task IdleConnections_CostNothing()
    {
        await using TestServer server = await TestServer.StartAsync();
        List<TcpClient> idle = [];
        for (int i = 0; i < 500; i++)
        {
            TcpClient client = new();
            await client.ConnectAsync("127.0.0.1", i % 2 == 0 ? server.Http.BaseAddress!.Port : server.GrpcAddress.Port);
            idle.Add(client);
        }

        await InferAsync(server, "");
        idle.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Overload_IsAnsweredAtOnce_ByBothProtocols()
    {
        await using TestServer server = await TestServer.StartAsync(options => options.MaxConcurrentRequests = 1);
        InferenceService service = server.App.Services.GetRequiredService<InferenceService>();
        Assert.Null(service.TryEnter(out InferenceScheduler.Admission? admission));
        using StringContent content = new("{}");
        using HttpResponseMessage response = await server.Http.PostAsync("v2/models/tiny/infer", content);
        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal("1", response.Headers.GetValues("Retry-After").Single());
        RpcException exception = await Assert.ThrowsAsync<RpcException>(() => InferAsync(server, ""));
        Assert.Equal((StatusCode.ResourceExhausted, "the server has 1 requests already, as many as it takes at once"), (exception.StatusCode, exception.Status.Detail));
        admission!.Dispose();
        await InferAsync(server, "");
    }

    [Fact]
    public async Task Deadlines_AreHonoured()
    {
        await using TestServer server = await TestServer.StartAsync(options => options.Workers = 1);
        InferenceScheduler scheduler = server.App.Services.GetRequiredService<InferenceScheduler>();
        using BlockingJob block = new(server.App.Services.GetRequiredService<ModelRepository>().Get("tiny", null));
        Task blocked = scheduler.RunAsync(block, default);

        string zeros = string.Join(',', new int[128]);
        using StringContent content = new($$"""{"parameters":{"timeout":20000},"inputs":[{"name":"input","shape":[1,2,8,8],"datatype":"FP32","data":[{{zeros}}]}]}""");
        using HttpResponseMessage response = await server.Http.PostAsync("v2/models/two/infer", content);
        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Equal("""{"error":"the request did not end within its 20 ms"}""", await response.Content.ReadAsStringAsync());

        ModelInferRequest request = Request(new float[Length], 1);
        request.Parameters["timeout"] = new InferParameter { Int64Param = 20_000 };
        RpcException parameter = await Assert.ThrowsAsync<RpcException>(async () => await server.Grpc.ModelInferAsync(request));
        Assert.Equal((StatusCode.DeadlineExceeded, "the request did not end within its 20 ms"), (parameter.StatusCode, parameter.Status.Detail));
        RpcException deadline = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Grpc.ModelInferAsync(Request(new float[Length], 1), deadline: DateTime.UtcNow.AddMilliseconds(50)));
        Assert.Equal(StatusCode.DeadlineExceeded, deadline.StatusCode);

        // A client that goes away frees its place.
        using CancellationTokenSource client = new(50);
        await Assert.ThrowsAsync<RpcException>(async () => await server.Grpc.ModelInferAsync(Request(new float[Length], 1), cancellationToken: client.Token));
        block.Open();
        await blocked;
        await InferAsync(server, "");
    }

    [Fact]
    public async Task ApiKeys_AreAskedFor_ButNotForHealth()
    {
        await using TestServer server = await TestServer.StartAsync(
            services: builder =>
            {
                builder.Services.AddAuthentication(ApiKeys.Scheme).AddApiKeys(options => options.Keys.Add("secret-1"));
                builder.Services.AddAuthorization();
            },
            map: app => app.MapOpenInference().RequireAuthorization());
        foreach (string path in (string[])["v2/health/live", "v2/health/ready", "v2/models/tiny/ready"])
            Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync(path)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.Http.GetAsync("v2/models/tiny")).StatusCode);
        foreach ((string name, string value, HttpStatusCode expected) in ((string, string, HttpStatusCode)[])[
            ("X-Api-Key", "secret-1", HttpStatusCode.OK), ("Authorization", "Bearer secret-1", HttpStatusCode.OK),
            ("X-Api-Key", "secret-2", HttpStatusCode.Unauthorized), ("Authorization", "Basic secret-1", HttpStatusCode.Unauthorized)])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "v2/models/tiny");
            request.Headers.TryAddWithoutValidation(name, value);
            using HttpResponseMessage response = await server.Http.SendAsync(request);
            Assert.Equal(expected, response.StatusCode);
        }

        Assert.True((await server.Grpc.ServerReadyAsync(new ServerReadyRequest())).Ready);
        RpcException exception = await Assert.ThrowsAsync<RpcException>(() => InferAsync(server, ""));
        Assert.Equal(StatusCode.Unauthenticated, exception.StatusCode);
        await server.Grpc.ModelInferAsync(Request(new float[Length], 1), new Metadata { { "x-api-key", "secret-1" } });
    }

    [Fact]
    public async Task Metrics_CountImagesAndRejections()
    {
        await using TestServer server = await TestServer.StartAsync();
        Dictionary<string, double> sums = [];
        List<string> tags = [];
        using MeterListener listener = new();
        IMeterFactory factory = server.App.Services.GetRequiredService<IMeterFactory>();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == ConvNetServing.TelemetryName && instrument.Meter.Scope == factory)
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, all, _) => Add(instrument, value, all));
        listener.SetMeasurementEventCallback<double>((instrument, value, all, _) => Add(instrument, value, all));
        listener.SetMeasurementEventCallback<int>((instrument, value, all, _) => Add(instrument, value, all));
        listener.Start();
        await server.Grpc.ModelInferAsync(Request(new float[3 * Length], 3));
        await Assert.ThrowsAsync<RpcException>(async () => await server.Grpc.ModelInferAsync(new ModelInferRequest { ModelName = "tiny" }));
        listener.RecordObservableInstruments();
        lock (sums)
        {
            Assert.Equal(3, sums["convnet.server.images"]);
            Assert.Equal(1, sums["convnet.server.rejections"]);
            Assert.Equal(0, sums["convnet.server.queue.length"]);
            Assert.Equal(Environment.ProcessorCount, sums["convnet.server.workers.limit"]);
            Assert.True(sums["convnet.server.image.duration"] > 0);
            Assert.True(sums["convnet.server.queue.duration"] > 0);
            Assert.Contains("convnet.server.rejections convnet.model.name=tiny convnet.model.version=1 error.type=invalid_argument", tags);
        }

        void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> all)
        {
            lock (sums)
            {
                sums[instrument.Name] = sums.GetValueOrDefault(instrument.Name) + value;
                tags.Add(string.Join(' ', [instrument.Name, .. all.ToArray().Select(tag => $"{tag.Key}={tag.Value}")]));
            }
        }
    }

    [Fact]
    public void WrongOptions_SayWhatIsExpected()
    {
        InvalidOperationException exception = Assert.Throws<InvalidOperationException>(() => new ConvNetServerOptions { QueueCapacity = 0 }.Check());
        Assert.Equal("ConvNetServerOptions.QueueCapacity must be 1 or more, found 0.", exception.Message);
        exception = Assert.Throws<InvalidOperationException>(() => new ConvNetServerOptions { SocketBufferBytes = 100 }.Check());
        Assert.Equal("ConvNetServerOptions.SocketBufferBytes must be 4096 or more, found 100.", exception.Message);
        Assert.Throws<InvalidOperationException>(() => new ConvNetServerOptions { BodyTimeout = TimeSpan.Zero }.Check());
        Assert.Throws<ArgumentException>(() => new ConvNetModels().Add("a/b", () => TestServer.Tiny));
        Assert.Throws<ArgumentException>(() => new ConvNetModels().Add("a", () => TestServer.Tiny).Add("a", () => TestServer.Tiny));
        Assert.Throws<ArgumentException>(() => new ConvNetModels().Add("a", () => TestServer.Tiny, options => options.Images.Mean = [0.5f]));
    }

    private static ModelInferRequest Request(float[] values, int batch)
    {
        ModelInferRequest request = new() { ModelName = "tiny", RawInputContents = { ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(values)) } };
        request.Inputs.Add(new ModelInferRequest.Types.InferInputTensor { Name = "input", Datatype = "FP32", Shape = { batch, 3, 16, 16 } });
        return request;
    }

    private static async Task<float[]> InferAsync(TestServer server, string version)
    {
        ModelInferRequest request = Request(TestServer.Values(Length), 1);
        request.ModelVersion = version;
        ModelInferResponse response = await server.Grpc.ModelInferAsync(request);
        return MemoryMarshal.Cast<byte, float>(response.RawOutputContents[0].Span).ToArray();
    }

    private static async Task AssertServedAsync(TestServer server, string version, int seed)
    {
        float[] found = await InferAsync(server, version);
        TestServer.AssertSameBits(TestServer.Forward(TinyNet.CreateRandom(seed), TestServer.Values(Length)), found);
    }

    private static async Task<string> PostAsync(TestServer server, string path, HttpStatusCode expected, string? body = null)
    {
        using StringContent? content = body is null ? null : new StringContent(body);
        using HttpResponseMessage response = await server.Http.PostAsync(path, content);
        Assert.Equal(expected, response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }

    private void WriteVersion(string version, int seed)
    {
        Directory.CreateDirectory(Path.Combine(_folder, version));
        // Packed weights in a file of their own name: a version may be either kind.
        TinyNet.CreateRandom(seed).SavePacked(Path.Combine(_folder, version, "tiny.packed"));
    }

    private sealed class BlockingJob(ServedModel model) : InferenceJob(model, 1), IDisposable
    {
        private readonly ManualResetEventSlim _gate = new();

        public void Open() => _gate.Set();

        public void Dispose() => _gate.Dispose();

        internal override void Run(int image, int threads) => _gate.Wait(TimeSpan.FromSeconds(30));
    }
}
