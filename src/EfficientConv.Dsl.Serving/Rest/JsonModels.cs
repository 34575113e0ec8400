using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace EfficientConv.Dsl.Serving;

internal sealed record ServerMetadata(string Name, string Version, string[] Extensions);

internal sealed record TensorMetadata(string Name, string Datatype, long[] Shape);

internal sealed record ModelMetadata(string Name, string[] Versions, string Platform, TensorMetadata[] Inputs, TensorMetadata[] Outputs);

internal sealed record Liveness(bool Live);

internal sealed record Readiness(bool Ready);

internal sealed record ModelReadiness(string Name, bool Ready);

internal sealed record ErrorMessage(string Error);

internal sealed record ClassScore(int Index, string? Label, float Probability);

internal sealed record ClassifyAnswer(string ModelName, string ModelVersion, int Width, int Height, ClassScore[] Classes);

internal sealed record RepositoryIndexQuery(bool Ready);

internal sealed record RepositoryEntry(string Name, string? Version, string State, string? Reason);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ServerMetadata))]
[JsonSerializable(typeof(ModelMetadata))]
[JsonSerializable(typeof(Liveness))]
[JsonSerializable(typeof(Readiness))]
[JsonSerializable(typeof(ModelReadiness))]
[JsonSerializable(typeof(ErrorMessage))]
[JsonSerializable(typeof(ClassifyAnswer))]
[JsonSerializable(typeof(RepositoryEntry[]))]
[JsonSerializable(typeof(RepositoryIndexQuery))]
internal sealed partial class JsonModels : JsonSerializerContext
{
    /// <summary>Writes an object whole, with its length.</summary>
    public static Task WriteAsync<T>(HttpContext context, int status, T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(value, type);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        return context.Response.Body.WriteAsync(json, 0, json.Length, context.RequestAborted);
    }
}
