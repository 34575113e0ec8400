using Microsoft.Extensions.Logging;

namespace EfficientConv.Dsl.Serving;

internal static partial class Log
{
    [LoggerMessage(
        1, LogLevel.Information,
        "Model {Model} version {Version} is served: {Network} from {Source}, {InstructionSet}, {WeightBytes} bytes of weights, loaded in {Milliseconds} ms")]
    public static partial void ModelLoaded(
        ILogger logger, string model, string version, string network, string source, InstructionSet instructionSet, long weightBytes, long milliseconds);

    [LoggerMessage(2, LogLevel.Information, "Model {Model} version {Version} is no longer served")]
    public static partial void ModelUnloaded(ILogger logger, string model, string version);

    [LoggerMessage(3, LogLevel.Error, "Model {Model} could not be loaded; what was served of it is served on")]
    public static partial void ModelFailed(ILogger logger, string model, Exception exception);

    [LoggerMessage(4, LogLevel.Information, "{Workers} workers with {Threads} thread(s) an image, {Capacity} images may wait")]
    public static partial void Started(ILogger logger, int workers, int threads, int capacity);

    [LoggerMessage(5, LogLevel.Information, "Draining: not ready from now on, requests are served for {Milliseconds} ms more")]
    public static partial void Draining(ILogger logger, long milliseconds);

    [LoggerMessage(6, LogLevel.Information, "Stopped after the last request")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(7, LogLevel.Debug, "Request for {Model} rejected, {Error}: {Reason}")]
    public static partial void Rejected(ILogger logger, string? model, InferenceError error, string reason);

    [LoggerMessage(8, LogLevel.Error, "Request for {Model} failed")]
    public static partial void Failed(ILogger logger, string? model, Exception exception);
}
