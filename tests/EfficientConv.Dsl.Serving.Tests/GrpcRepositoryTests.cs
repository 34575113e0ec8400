using System.Text;
using EfficientConv.Dsl.Serving.Grpc;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EfficientConv.Dsl.Serving.Tests;

/// <summary>The model repository over gRPC. What loading does is <see cref="OperationTests"/>'.</summary>
public sealed class GrpcRepositoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("serving-tests").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Models_AreListed_Loaded_AndUnloaded()
    {
        string path = Path.Combine(_folder, "1", "tiny.packed");
        Directory.CreateDirectory(Path.Combine(_folder, "1"));
        TestServer.Tiny.SavePacked(path);
        await using TestServer server = await TestServer.StartAsync(models: models => models.Add<TinyNet>("tiny", _folder).Add("two", () => TestServer.Two), map: MapAll);
        Assert.Equal("tiny 1 READY , two 1 READY ", await IndexAsync(server));

        Directory.Move(Path.Combine(_folder, "1"), Path.Combine(_folder, "2"));
        await server.Grpc.RepositoryModelLoadAsync(new RepositoryModelLoadRequest { ModelName = "tiny" });
        Assert.Equal("tiny 2 READY , two 1 READY ", await IndexAsync(server));
        await server.Grpc.RepositoryModelUnloadAsync(new RepositoryModelUnloadRequest { ModelName = "two" });
        Assert.Equal("tiny 2 READY , two  UNAVAILABLE unloaded", await IndexAsync(server));
        Assert.Equal("tiny 2 READY ", await IndexAsync(server, isReady: true));
        Assert.False((await server.Grpc.ModelReadyAsync(new ModelReadyRequest { Name = "two" })).Ready);
        await server.Grpc.RepositoryModelLoadAsync(new RepositoryModelLoadRequest { ModelName = "two" });
        Assert.True((await server.Grpc.ModelReadyAsync(new ModelReadyRequest { Name = "two" })).Ready);
    }

    [Fact]
    public async Task WhatCannotBeDone_SaysWhy_AndChangesNothing()
    {
        string path = Path.Combine(_folder, "tiny.packed");
        TestServer.Tiny.SavePacked(path);
        await using TestServer server = await TestServer.StartAsync(models: models => models.Add<TinyNet>("tiny", path), map: MapAll);
        RpcException exception = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Grpc.RepositoryModelLoadAsync(new RepositoryModelLoadRequest { ModelName = "none" }));
        Assert.Equal((StatusCode.NotFound, "There is no model \"none\"."), (exception.StatusCode, exception.Status.Detail));
        exception = await Assert.ThrowsAsync<RpcException>(async () => await server.Grpc.RepositoryModelUnloadAsync(new RepositoryModelUnloadRequest()));
        Assert.Equal((StatusCode.NotFound, "model \"\" is not served here"), (exception.StatusCode, exception.Status.Detail));
        File.Delete(path);
        exception = await Assert.ThrowsAsync<RpcException>(async () => await server.Grpc.RepositoryModelLoadAsync(new RepositoryModelLoadRequest { ModelName = "tiny" }));
        Assert.Equal(StatusCode.InvalidArgument, exception.StatusCode);
        // The server's paths are its own.
        Assert.Equal("model \"tiny\" could not be loaded (FileNotFoundException); the server's log says why", exception.Status.Detail);
        Assert.Equal("tiny 1 READY ", await IndexAsync(server));
    }

    /// <summary>Whoever may infer must not be able to take a model away.</summary>
    [Fact]
    public async Task WithoutMapModelRepository_ThereIsNone()
    {
        await using TestServer server = await TestServer.StartAsync();
        RpcException exception = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Grpc.RepositoryModelUnloadAsync(new RepositoryModelUnloadRequest { ModelName = "tiny" }));
        Assert.Equal(StatusCode.Unimplemented, exception.StatusCode);
        Assert.True((await server.Grpc.ModelReadyAsync(new ModelReadyRequest { Name = "tiny" })).Ready);
    }

    [Fact]
    public async Task Authorization_IsOfItsOwn()
    {
        await using TestServer server = await TestServer.StartAsync(
            services: builder =>
            {
                builder.Services.AddAuthentication(ApiKeys.Scheme).AddApiKeys(options => options.Keys.Add("secret-1"));
                builder.Services.AddAuthorization();
            },
            map: app =>
            {
                app.MapOpenInference();
                app.MapModelRepository().RequireAuthorization();
            });
        RpcException exception = await Assert.ThrowsAsync<RpcException>(async () => await server.Grpc.RepositoryIndexAsync(new RepositoryIndexRequest()));
        Assert.Equal(StatusCode.Unauthenticated, exception.StatusCode);
        await server.Grpc.ModelMetadataAsync(new ModelMetadataRequest { Name = "tiny" });
        Assert.Equal(2, (await server.Grpc.RepositoryIndexAsync(new RepositoryIndexRequest(), new Metadata { { "x-api-key", "secret-1" } })).Models.Count);
    }

    /// <summary>The service is mapped in two parts: what neither has is still answered as gRPC wants it.</summary>
    [Fact]
    public async Task UnknownMethod_IsUnimplemented()
    {
        await using TestServer server = await TestServer.StartAsync(map: MapAll);
        RpcException exception = await Assert.ThrowsAsync<RpcException>(() => CallAsync(server, "TraceSetting", []));
        Assert.Equal(StatusCode.Unimplemented, exception.StatusCode);
    }

    /// <summary>Written by hand from the published definition.</summary>
    [Fact]
    public async Task Messages_HaveThePublishedNumbers()
    {
        await using TestServer server = await TestServer.StartAsync(models: models => models.Add("tiny", () => TestServer.Tiny), map: MapAll);
        byte[] entry = [.. Field(1, "tiny"), .. Field(2, "1"), .. Field(3, "READY")];
        Assert.Equal([(1 << 3) | 2, (byte)entry.Length, .. entry], await CallAsync(server, "RepositoryIndex", [2 << 3, 1]));
        Assert.Empty(await CallAsync(server, "RepositoryModelUnload", Field(2, "tiny")));
        entry = [.. Field(1, "tiny"), .. Field(3, "UNAVAILABLE"), .. Field(4, "unloaded")];
        Assert.Equal([(1 << 3) | 2, (byte)entry.Length, .. entry], await CallAsync(server, "RepositoryIndex", []));
        Assert.Empty(await CallAsync(server, "RepositoryIndex", [2 << 3, 1]));
        Assert.Empty(await CallAsync(server, "RepositoryModelLoad", Field(2, "tiny")));
        Assert.Equal([("tiny", "1")], server.Models.Served);

        static byte[] Field(int number, string text) => [(byte)((number << 3) | 2), (byte)text.Length, .. Encoding.UTF8.GetBytes(text)];
    }

    private static void MapAll(WebApplication app)
    {
        app.MapOpenInference();
        app.MapModelRepository();
    }

    private static async Task<string> IndexAsync(TestServer server, bool isReady = false)
    {
        RepositoryIndexResponse response = await server.Grpc.RepositoryIndexAsync(new RepositoryIndexRequest { Ready = isReady });
        return string.Join(", ", response.Models.Select(model => $"{model.Name} {model.Version} {model.State} {model.Reason}"));
    }

    private static async Task<byte[]> CallAsync(TestServer server, string name, byte[] request)
    {
        Marshaller<byte[]> bytes = Marshallers.Create(static value => value, static value => value);
        Method<byte[], byte[]> method = new(MethodType.Unary, "inference.GRPCInferenceService", name, bytes, bytes);
        return await server.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, request);
    }
}
