using System.Net.Sockets;
using System.Runtime.InteropServices;
using EfficientConv.Dsl.Serving.Grpc;
using Google.Protobuf;
using Grpc.Core;

namespace EfficientConv.Dsl.Serving.Tests;

public sealed class GrpcTests : IAsyncLifetime
{
    private const int Length = 3 * 16 * 16;

    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync(options => options.MaxRequestBytes = 200_000);

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Metadata_AreTheProtocols()
    {
        Assert.True((await _server.Grpc.ServerLiveAsync(new ServerLiveRequest())).Live);
        Assert.True((await _server.Grpc.ServerReadyAsync(new ServerReadyRequest())).Ready);
        Assert.True((await _server.Grpc.ModelReadyAsync(new ModelReadyRequest { Name = "tiny" })).Ready);
        Assert.False((await _server.Grpc.ModelReadyAsync(new ModelReadyRequest { Name = "tiny", Version = "2" })).Ready);
        Assert.Equal("efficientconv-dsl", (await _server.Grpc.ServerMetadataAsync(new ServerMetadataRequest())).Name);
        ModelMetadataResponse model = await _server.Grpc.ModelMetadataAsync(new ModelMetadataRequest { Name = "two" });
        Assert.Equal(
            """{ "name": "two", "versions": [ "1" ], "platform": "efficientconv_dsl", "inputs": [ """
            + """{ "name": "input", "datatype": "FP32", "shape": [ "-1", "2", "8", "8" ] } ], "outputs": [ """
            + """{ "name": "map", "datatype": "FP32", "shape": [ "-1", "4", "8", "8" ] }, { "name": "scores", "datatype": "FP32", "shape": [ "-1", "3" ] } ] }""",
            model.ToString());
        RpcException exception = await Assert.ThrowsAsync<RpcException>(async () => await _server.Grpc.ModelMetadataAsync(new ModelMetadataRequest { Name = "none" }));
        Assert.Equal((StatusCode.NotFound, "model \"none\" is not served here"), (exception.StatusCode, exception.Status.Detail));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(3, true)]
    [InlineData(2, false)]
    public async Task Infer_GivesForwardsBits(int batch, bool isRaw)
    {
        float[] values = TestServer.Values(batch * Length);
        ModelInferRequest request = Request(batch);
        request.Id = "42";
        if (isRaw)
            request.RawInputContents.Add(Bytes(values));
        else
            request.Inputs[0].Contents = new InferTensorContents { Fp32Contents = { values } };
        ModelInferResponse response = await _server.Grpc.ModelInferAsync(request);
        Assert.Equal(("tiny", "1", "42"), (response.ModelName, response.ModelVersion, response.Id));
        ModelInferResponse.Types.InferOutputTensor output = Assert.Single(response.Outputs);
        Assert.Equal(("output", "FP32"), (output.Name, output.Datatype));
        Assert.Equal([batch, 10], output.Shape);
        TestServer.AssertSameBits(TestServer.Forward(TestServer.Tiny, values), Floats(Assert.Single(response.RawOutputContents)));
    }

    [Fact]
    public async Task Infer_OutputsAsAskedFor()
    {
        float[] values = TestServer.Values(2 * 8 * 8), expected = TestServer.Forward(TestServer.Two, values);
        ModelInferRequest request = new() { ModelName = "two" };
        request.Inputs.Add(new ModelInferRequest.Types.InferInputTensor { Name = "input", Datatype = "FP32", Shape = { 1, 2, 8, 8 } });
        request.RawInputContents.Add(Bytes(values));
        ModelInferResponse all = await _server.Grpc.ModelInferAsync(request);
        Assert.Equal(["map", "scores"], all.Outputs.Select(output => output.Name));
        TestServer.AssertSameBits(expected, [.. Floats(all.RawOutputContents[0]), .. Floats(all.RawOutputContents[1])]);
        request.Outputs.Add(new ModelInferRequest.Types.InferRequestedOutputTensor { Name = "scores" });
        ModelInferResponse scores = await _server.Grpc.ModelInferAsync(request);
        TestServer.AssertSameBits(expected.AsSpan()[^3..], Floats(Assert.Single(scores.RawOutputContents)));
    }

    /// <summary>Fields may come in any order and in pieces: a message is the sum of its parts.</summary>
    [Fact]
    public async Task Infer_FieldsBehindTheRawInput_AreMerged()
    {
        float[] values = TestServer.Values(Length);
        ModelInferRequest raw = new() { RawInputContents = { Bytes(values) } }, model = new() { ModelName = "tiny", Id = "late" }, input = Request(1);
        input.ModelName = "";
        byte[] bytes = await CallAsync([.. model.ToByteArray(), .. raw.ToByteArray(), .. input.ToByteArray()]);
        ModelInferResponse response = ModelInferResponse.Parser.ParseFrom(bytes);
        Assert.Equal("late", response.Id);
        TestServer.AssertSameBits(TestServer.Forward(TestServer.Tiny, values), Floats(response.RawOutputContents[0]));
    }

    /// <summary>Written by hand from the published definition: a change of a number or a type would not be seen by a client that is generated from the same file.</summary>
    [Fact]
    public async Task Infer_HasThePublishedNumbers()
    {
        float[] values = TestServer.Values(Length);
        byte[] input = [.. Field(1, "input"u8), .. Field(2, "FP32"u8), .. Field(3, [1, 3, 16, 16])];
        byte[] request = [.. Field(1, "tiny"u8), .. Field(3, "7"u8), .. Field(5, input), .. Field(7, MemoryMarshal.AsBytes<float>(values))];
        byte[] output = [.. Field(1, "output"u8), .. Field(2, "FP32"u8), .. Field(3, [1, 10])];
        byte[] expected =
        [
            .. Field(1, "tiny"u8), .. Field(2, "1"u8), .. Field(3, "7"u8), .. Field(5, output),
            .. Field(6, MemoryMarshal.AsBytes<float>(TestServer.Forward(TestServer.Tiny, values))),
        ];
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(await CallAsync(request)));

        static byte[] Field(int number, ReadOnlySpan<byte> bytes)
        {
            using MemoryStream stream = new();
            stream.WriteByte((byte)((number << 3) | 2));
            int length = bytes.Length;
            for (; length >= 128; length >>= 7)
                stream.WriteByte((byte)(length | 128));
            stream.WriteByte((byte)length);
            stream.Write(bytes);
            return stream.ToArray();
        }
    }

    public static TheoryData<string, Action<object>, StatusCode, string> WrongRequests => new()
    {
        { "model", request => ((ModelInferRequest)request).ModelName = "none", StatusCode.NotFound, "model \"none\" is not served here" },
        { "version", request => ((ModelInferRequest)request).ModelVersion = "9", StatusCode.NotFound, "version \"9\" of model \"tiny\" is not served here" },
        { "no input", request => ((ModelInferRequest)request).Inputs.Clear(), StatusCode.InvalidArgument, "inputs of tiny: expected 1, found 0" },
        { "shape", request => ((ModelInferRequest)request).Inputs[0].Shape[1] = 4,
          StatusCode.InvalidArgument, "shape of input \"input\" of tiny: expected [batch, 3, 16, 16], found [1, 4, 16, 16]" },
        { "huge shape", request => ((ModelInferRequest)request).Inputs[0].Shape.Add(Enumerable.Repeat(1L, 1000)),
          StatusCode.InvalidArgument, "shape of input \"input\" of tiny: expected [batch, 3, 16, 16], found [1, 3, 16, 16, 1, 1, 1, 1, ...]" },
        { "datatype", request => ((ModelInferRequest)request).Inputs[0].Datatype = "INT8",
          StatusCode.InvalidArgument, "datatype of input \"input\" of tiny: expected FP32, found \"INT8\"" },
        { "short", request => ((ModelInferRequest)request).RawInputContents[0] = ByteString.CopyFrom(new byte[3071]),
          StatusCode.InvalidArgument, "raw_input_contents of input \"input\": expected 3072 bytes for its shape, found 3071" },
        { "none raw", request => ((ModelInferRequest)request).RawInputContents.Clear(),
          StatusCode.InvalidArgument, "fp32_contents of input \"input\": expected 768 numbers for its shape, found 0" },
        { "two raw", request => ((ModelInferRequest)request).RawInputContents.Add(ByteString.Empty),
          StatusCode.InvalidArgument, "raw_input_contents: expected 1, as many as inputs, found 2" },
        { "both", request => ((ModelInferRequest)request).Inputs[0].Contents = new InferTensorContents(),
          StatusCode.InvalidArgument, "an input has \"contents\" beside raw_input_contents" },
        { "output", request => ((ModelInferRequest)request).Outputs.Add(new ModelInferRequest.Types.InferRequestedOutputTensor { Name = "y" }),
          StatusCode.InvalidArgument, "outputs of tiny: expected \"output\", found \"y\"" },
        { "timeout", request => ((ModelInferRequest)request).Parameters["timeout"] = new InferParameter { BoolParam = true },
          StatusCode.InvalidArgument, "parameter \"timeout\": expected an integer, found BoolParam" },
    };

    [Theory]
    [MemberData(nameof(WrongRequests))]
    public async Task Infer_WrongRequest_SaysWhatIsExpected(string what, Action<object> change, StatusCode status, string message)
    {
        ModelInferRequest request = Request(1);
        request.RawInputContents.Add(Bytes(new float[Length]));
        change(request);
        RpcException exception = await Assert.ThrowsAsync<RpcException>(async () => await _server.Grpc.ModelInferAsync(request));
        Assert.True((status, message) == (exception.StatusCode, exception.Status.Detail), $"{what}: {exception.Status}");
    }

    [Theory]
    [InlineData("3A05AA", StatusCode.InvalidArgument, "a field says that it has 5 bytes, and 1 are left")]
    [InlineData("3AFFFFFFFFFFFFFFFFFF01", StatusCode.InvalidArgument, "a field says that it has 18446744073709551615 bytes, and 0 are left")]
    [InlineData("3AFFFFFFFFFFFFFFFFFFFFFF01", StatusCode.InvalidArgument, "a number has too many bytes")]
    [InlineData("0F", StatusCode.InvalidArgument, "a field of an unknown type")]
    [InlineData("0A", StatusCode.InvalidArgument, "a number is cut off")]
    [InlineData("0D01", StatusCode.InvalidArgument, "a field is cut off")]
    [InlineData("2A020A05", StatusCode.InvalidArgument, "the request is no ModelInferRequest")]
    public async Task Infer_BytesThatAreNoMessage_AreRefused(string hex, StatusCode status, string message)
    {
        RpcException exception = await Assert.ThrowsAsync<RpcException>(async () => await CallAsync(Convert.FromHexString(hex)));
        Assert.Equal(status, exception.StatusCode);
        Assert.Contains(message, exception.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Infer_TooLarge_IsResourceExhausted()
    {
        RpcException exception = await Assert.ThrowsAsync<RpcException>(async () => await CallAsync(new byte[200_001]));
        Assert.Equal(StatusCode.ResourceExhausted, exception.StatusCode);
    }

    [Fact]
    public async Task RandomBytesOnThePort_EndTheirConnectionAlone()
    {
        Random random = new(3);
        for (int i = 0; i < 50; i++)
        {
            using TcpClient client = new();
            await client.ConnectAsync(_server.GrpcAddress.Host, _server.GrpcAddress.Port);
            byte[] bytes = new byte[random.Next(1, 5000)];
            random.NextBytes(bytes);
            if (i % 2 == 0)
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray().Take(bytes.Length).ToArray().CopyTo(bytes, 0);
            try
            {
                await client.GetStream().WriteAsync(bytes);
            }
            catch (IOException)
            {
                // The server has closed it already.
            }
        }

        await Infer_GivesForwardsBits(1, isRaw: true);
    }

    private static ModelInferRequest Request(int batch)
    {
        ModelInferRequest request = new() { ModelName = "tiny" };
        request.Inputs.Add(new ModelInferRequest.Types.InferInputTensor { Name = "input", Datatype = "FP32", Shape = { batch, 3, 16, 16 } });
        return request;
    }

    private static ByteString Bytes(float[] values) => ByteString.CopyFrom(MemoryMarshal.AsBytes<float>(values));

    private static float[] Floats(ByteString bytes) => MemoryMarshal.Cast<byte, float>(bytes.Span).ToArray();

    private async Task<byte[]> CallAsync(byte[] request)
    {
        Marshaller<byte[]> bytes = Marshallers.Create(static value => value, static value => value);
        Method<byte[], byte[]> method = new(MethodType.Unary, "inference.GRPCInferenceService", "ModelInfer", bytes, bytes);
        return await _server.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, request);
    }
}
