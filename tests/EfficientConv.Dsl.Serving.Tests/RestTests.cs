using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace EfficientConv.Dsl.Serving.Tests;

public sealed class RestTests : IAsyncLifetime
{
    private const int Length = 3 * 16 * 16;

    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync(options => options.MaxRequestBytes = 200_000);

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("v2", """{"name":"efficientconv-dsl","version":"0.1.0","extensions":["binary_tensor_data","model_repository","classify_image"]}""")]
    [InlineData("v2/health/live", """{"live":true}""")]
    [InlineData("v2/health/ready", """{"ready":true}""")]
    [InlineData("v2/models/tiny/ready", """{"name":"tiny","ready":true}""")]
    [InlineData("v2/models/tiny/versions/1/ready", """{"name":"tiny","ready":true}""")]
    [InlineData("v2/models/tiny",
        """{"name":"tiny","versions":["1"],"platform":"efficientconv_dsl","inputs":[{"name":"input","datatype":"FP32","shape":[-1,3,16,16]}],"outputs":[""" +
        """{"name":"output","datatype":"FP32","shape":[-1,10]}]}""")]
    [InlineData("v2/models/two/versions/1",
        """{"name":"two","versions":["1"],"platform":"efficientconv_dsl","inputs":[{"name":"input","datatype":"FP32","shape":[-1,2,8,8]}],"outputs":[""" +
        """{"name":"map","datatype":"FP32","shape":[-1,4,8,8]},{"name":"scores","datatype":"FP32","shape":[-1,3]}]}""")]
    public async Task Metadata_AreTheProtocols(string path, string expected)
    {
        using HttpResponseMessage response = await _server.Http.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(expected, await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("v2/models/none", "model \"none\" is not served here")]
    [InlineData("v2/models/none/ready", "model \"none\" is not served here")]
    [InlineData("v2/models/tiny/versions/7", "version \"7\" of model \"tiny\" is not served here")]
    public async Task UnknownModel_Is404(string path, string expected)
    {
        using HttpResponseMessage response = await _server.Http.GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal(expected, await ErrorAsync(response));
    }

    [Theory]
    [InlineData(1, false, false)]
    [InlineData(3, false, false)]
    [InlineData(2, true, false)]
    [InlineData(2, false, true)]
    [InlineData(2, true, true)]
    public async Task Infer_JsonGivesForwardsBits(int batch, bool isNested, bool isShapeLast)
    {
        float[] values = TestServer.Values(batch * Length);
        string data = isNested ? Nested(values, batch) : $"[{Join(values)}]", shape = $"\"shape\":[{batch},3,16,16]";
        string input = isShapeLast ? $$"""{"data":{{data}},{{shape}},"name":"input","datatype":"FP32"}""" : $$"""{"name":"input",{{shape}},"datatype":"FP32","data":{{data}}}""";
        using JsonDocument answer = await InferAsync("tiny", $$"""{"id":"a\u00e4","unknown":{"x":[1]},"inputs":[{{input}}]}""");
        Assert.Equal("tiny", answer.RootElement.GetProperty("model_name").GetString());
        Assert.Equal("1", answer.RootElement.GetProperty("model_version").GetString());
        Assert.Equal("a\u00e4", answer.RootElement.GetProperty("id").GetString());
        JsonElement output = Assert.Single(answer.RootElement.GetProperty("outputs").EnumerateArray());
        Assert.Equal("output", output.GetProperty("name").GetString());
        Assert.Equal("FP32", output.GetProperty("datatype").GetString());
        Assert.Equal([batch, 10], output.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32()));
        TestServer.AssertSameBits(TestServer.Forward(TestServer.Tiny, values), Floats(output));
    }

    [Fact]
    public async Task Infer_SeveralOutputsOfABatch_AreTakenApart()
    {
        const int InLength = 2 * 8 * 8, Map = 4 * 8 * 8, Scores = 3;
        float[] values = TestServer.Values(2 * InLength), expected = TestServer.Forward(TestServer.Two, values);
        using JsonDocument answer = await InferAsync(
            "two",
            $$"""{"inputs":[{"name":"input","shape":[2,2,8,8],"datatype":"FP32","data":[{{Join(values)}}]}],"outputs":[""" +
            """{"name":"scores"},{"name":"map","parameters":{"binary_data":false} }]}""");
        JsonElement[] outputs = [.. answer.RootElement.GetProperty("outputs").EnumerateArray()];
        Assert.Equal(["scores", "map"], outputs.Select(output => output.GetProperty("name").GetString()));
        TestServer.AssertSameBits([.. expected[Map..(Map + Scores)], .. expected[^Scores..]], Floats(outputs[0]));
        TestServer.AssertSameBits([.. expected[..Map], .. expected[(Map + Scores)..^Scores]], Floats(outputs[1]));
    }

    [Fact]
    public async Task Infer_BinaryBothWays_GivesForwardsBits()
    {
        float[] values = TestServer.Values(2 * Length);
        values[5] = float.NaN;
        string json = Json(2, 2 * Length * 4, """,{"name":"output","parameters":{"binary_data":true}}"""[1..]);
        using HttpResponseMessage response = await PostBinaryAsync("tiny", json, MemoryMarshal.AsBytes<float>(values));
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        Assert.True(response.IsSuccessStatusCode, Encoding.UTF8.GetString(body));
        int length = int.Parse(response.Headers.GetValues("Inference-Header-Content-Length").Single(), CultureInfo.InvariantCulture);
        Assert.Equal(
            """{"model_name":"tiny","model_version":"1","outputs":[{"name":"output","datatype":"FP32","shape":[2,10],"parameters":{"binary_data_size":80}}]}""",
            Encoding.UTF8.GetString(body, 0, length));
        TestServer.AssertSameBits(TestServer.Forward(TestServer.Tiny, values), MemoryMarshal.Cast<byte, float>(body.AsSpan(length)));
    }

    [Fact]
    public async Task Infer_BinaryDataOutput_IsForAllOutputs()
    {
        float[] values = TestServer.Values(2 * 8 * 8);
        using StringContent content = new(
            $$"""{"parameters":{"binary_data_output":true},"inputs":[{"name":"input","shape":[1,2,8,8],"datatype":"FP32","data":[{{Join(values)}}]}]}""");
        using HttpResponseMessage response = await _server.Http.PostAsync("v2/models/two/infer", content);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        int length = int.Parse(response.Headers.GetValues("Inference-Header-Content-Length").Single(), CultureInfo.InvariantCulture);
        TestServer.AssertSameBits(TestServer.Forward(TestServer.Two, values), MemoryMarshal.Cast<byte, float>(body.AsSpan(length)));
    }

    [Fact]
    public async Task Infer_ValueThatJsonCannotHold_SaysSo()
    {
        float[] values = TestServer.Values(Length);
        values[0] = float.NaN;
        using HttpResponseMessage response = await PostBinaryAsync("tiny", Json(1, Length * 4), MemoryMarshal.AsBytes<float>(values));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith("output \"output\" has a value that JSON cannot hold (NaN): ask for binary_data", await ErrorAsync(response), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "the request is not valid JSON: line 1, byte 0")]
    [InlineData("[1]", "the request: expected an object, found StartArray")]
    [InlineData("{\"inputs\":[", "the request is not valid JSON: line 1, byte 11")]
    [InlineData("{\"inputs\":[]} x", "the request is not valid JSON: line 1, byte 14")]
    [InlineData("{\"id\":1}", "id: expected a string, found Number")]
    [InlineData("{\"id\":\"\\ud800\"}", "the request has text that is not valid UTF-8")]
    [InlineData("{}", "inputs of tiny: expected 1, found none")]
    [InlineData("{\"inputs\":{}}", "inputs: expected an array, found StartObject")]
    [InlineData("{\"inputs\":[5]}", "an input: expected an object, found Number")]
    [InlineData("{\"inputs\":[{}]}", "input of tiny: expected the name \"input\", found none")]
    [InlineData("{\"inputs\":[{\"name\":\"x\"}]}", "input of tiny: expected the name \"input\", found \"x\"")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP16\"}]}", "datatype of input \"input\" of tiny: expected FP32, found \"FP16\"")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\"}]}", "shape of input \"input\" of tiny: expected [batch, 3, 16, 16], found none")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[3,16,16]}]}",
        "shape of input \"input\" of tiny: expected [batch, 3, 16, 16], found [3, 16, 16]")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[0,3,16,16]}]}",
        "shape of input \"input\" of tiny: expected [batch, 3, 16, 16], found [0, 3, 16, 16]")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[33,3,16,16]}]}", "batch of input \"input\" of tiny: expected at most 32 images, found 33")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[9223372036854775807,3,16,16]}]}",
        "batch of input \"input\" of tiny: expected at most 32 images, found 9223372036854775807")]
    [InlineData("{\"inputs\":[{\"shape\":[1.5]}]}", "shape: expected at most 8 integers")]
    [InlineData("{\"inputs\":[{\"shape\":[1,1,1,1,1,1,1,1,1]}]}", "shape: expected at most 8 integers")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1,3,16,16]}]}", "input \"input\" has neither \"data\" nor \"binary_data_size\"")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1,3,16,16],\"data\":[1,2]}]}",
        "data of input \"input\": expected 768 numbers for its shape, found 2")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1,3,16,16],\"data\":[1,\"2\"]}]}",
        "data of input \"input\": expected a number that a 32-bit float can hold, at index 1")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1,3,16,16],\"data\":[1e39]}]}",
        "data of input \"input\": expected a number that a 32-bit float can hold, at index 0")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1,3,16,16],\"data\":[[1],2]}]}",
        "data of input \"input\": arrays in it must be nested as its shape is")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1,3,16,16],\"data\":[1],\"data\":[1]}]}",
        "data of input \"input\": expected 768 numbers for its shape, found 1")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1,3,16,16],\"parameters\":{\"binary_data_size\":3072}}]}",
        "the request has binary data, but no header Inference-Header-Content-Length that says where they begin")]
    [InlineData("{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1,3,16,16],\"parameters\":{\"binary_data_size\":-4}}]}",
        "binary_data_size of input \"input\": expected 3072 bytes for its shape, found -4")]
    [InlineData("{\"inputs\":[{\"parameters\":{\"binary_data_size\":\"x\"}}]}", "binary_data_size: expected an integer, found String")]
    [InlineData("{\"outputs\":[{\"name\":\"y\"}]}", "outputs of tiny: expected \"output\", found \"y\"")]
    [InlineData("{\"parameters\":{\"timeout\":-1}}", "parameter \"timeout\": expected 0 to 3600000000 microseconds, found -1")]
    [InlineData("{\"parameters\":{\"binary_data_output\":1}}", "binary_data_output: expected true or false, found Number")]
    public async Task Infer_WrongRequest_SaysWhatIsExpected(string body, string expected)
    {
        using StringContent content = new(body);
        using HttpResponseMessage response = await _server.Http.PostAsync("v2/models/tiny/infer", content);
        Assert.Equal(expected, await ErrorAsync(response));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Theory]
    [InlineData("x", 3072, "Inference-Header-Content-Length: expected a number of bytes, found \"x\"")]
    [InlineData("-5", 3072, "Inference-Header-Content-Length: expected a number of bytes, found \"-5\"")]
    [InlineData("60000", 3072, "Inference-Header-Content-Length: the body ends before its 60000 bytes of JSON, found ")]
    [InlineData("5", 3072, "the request is not valid JSON: line 1, byte 5")]
    [InlineData(null, 3068, "binary data: expected 3072 bytes behind the JSON, found 3068")]
    [InlineData(null, 3073, "the request has bytes behind its tensors")]
    public async Task Infer_LyingLengths_AreFound(string? header, int bytes, string expected)
    {
        string json = Json(1, Length * 4);
        using HttpResponseMessage response = await PostBinaryAsync("tiny", json, new byte[bytes], header);
        Assert.StartsWith(expected, await ErrorAsync(response), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task Infer_TooLarge_Is413()
    {
        using HttpResponseMessage response = await PostBinaryAsync("tiny", Json(1, Length * 4), new byte[200_000]);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal("the request's body is larger than 200000 bytes, the most that is taken", await ErrorAsync(response));

        // Without a length, in chunks.
        using HttpRequestMessage request = new(HttpMethod.Post, "v2/models/tiny/infer") { Content = new StreamContent(new MemoryStream(new byte[200_001])) };
        request.Headers.TransferEncodingChunked = true;
        using HttpResponseMessage chunked = await _server.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, chunked.StatusCode);
    }

    [Fact]
    public async Task Infer_AnswersHaveTheirTimes()
    {
        using HttpResponseMessage response = await PostBinaryAsync("tiny", Json(1, Length * 4), new byte[Length * 4]);
        Assert.Matches(@"^queue;dur=[\d.]+, infer;dur=[\d.]+$", response.Headers.GetValues("Server-Timing").Single());
    }

    [Fact]
    public async Task OtherMethods_AreNotAllowed()
    {
        using HttpResponseMessage response = await _server.Http.GetAsync("v2/models/tiny/infer");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }

    private static string Json(int batch, int size, string outputs = "") =>
        $$"""{"inputs":[{"name":"input","shape":[{{batch}},3,16,16],"datatype":"FP32","parameters":{"binary_data_size":{{size}} } }],"outputs":[{{outputs}}]}""";

    private static string Join(IEnumerable<float> values) => string.Join(',', values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));

    private static string Nested(float[] values, int batch)
    {
        int[] sizes = [batch, 3, 16, 16];
        int at = 0;
        return Write(0);

        string Write(int depth)
        {
            if (depth == sizes.Length)
                return values[at++].ToString("R", CultureInfo.InvariantCulture);
            return "[" + string.Join(", ", Enumerable.Range(0, sizes[depth]).Select(_ => Write(depth + 1))) + "]";
        }
    }

    private static float[] Floats(JsonElement output) => [.. output.GetProperty("data").EnumerateArray().Select(value => value.GetSingle())];

    private static async Task<string?> ErrorAsync(HttpResponseMessage response)
    {
        using JsonDocument document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return document.RootElement.GetProperty("error").GetString();
    }

    private async Task<JsonDocument> InferAsync(string model, string json)
    {
        using StringContent content = new(json);
        using HttpResponseMessage response = await _server.Http.PostAsync($"v2/models/{model}/infer", content);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text);
    }

    private Task<HttpResponseMessage> PostBinaryAsync(string model, string json, ReadOnlySpan<byte> tensor, string? header = null)
    {
        byte[] head = Encoding.UTF8.GetBytes(json);
        ByteArrayContent content = new([.. head, .. tensor]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        content.Headers.Add("Inference-Header-Content-Length", header ?? head.Length.ToString(CultureInfo.InvariantCulture));
        return _server.Http.PostAsync($"v2/models/{model}/infer", content);
    }
}
