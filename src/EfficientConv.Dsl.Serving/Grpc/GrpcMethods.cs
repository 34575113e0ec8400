using Google.Protobuf;
using Grpc.Core;

namespace EfficientConv.Dsl.Serving;

/// <summary>How the methods of <c>inference.GRPCInferenceService</c> are bound.</summary>
internal static class GrpcMethods
{
    public const string ServiceName = "inference.GRPCInferenceService";

    /// <summary>A method whose messages are small objects.</summary>
    public static void Add<TRequest, TResponse>(ServiceBinderBase binder, string name, MessageParser<TRequest> parser, UnaryServerMethod<TRequest, TResponse> handler)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new()
    {
        Marshaller<TRequest> request = new(Send, context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
        Marshaller<TResponse> response = new(Send, static _ => throw new NotSupportedException("a server reads no answers"));
        binder.AddMethod(new Method<TRequest, TResponse>(MethodType.Unary, ServiceName, name, request, response), handler);

        static void Send<T>(T message, SerializationContext context)
            where T : IMessage
        {
            context.SetPayloadLength(message.CalculateSize());
            message.WriteTo(context.GetBufferWriter());
            context.Complete();
        }
    }

    public static RpcException ToRpc(InferenceException exception) => new(new Status(ToStatus(exception.Error), exception.Message));

    public static StatusCode ToStatus(InferenceError error) => error switch
    {
        InferenceError.InvalidArgument => StatusCode.InvalidArgument,
        InferenceError.NotFound => StatusCode.NotFound,
        InferenceError.TooLarge or InferenceError.Overloaded => StatusCode.ResourceExhausted,
        InferenceError.SlowRequest or InferenceError.DeadlineExceeded => StatusCode.DeadlineExceeded,
        _ => StatusCode.Internal,
    };
}
