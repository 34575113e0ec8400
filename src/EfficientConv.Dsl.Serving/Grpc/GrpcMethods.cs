using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Grpc.AspNetCore.Server;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EfficientConv.Dsl.Serving;

/// <summary>
/// How the methods of <c>inference.GRPCInferenceService</c> are added. The context is told of them without the protocol compiler's binder, whose generic virtual methods and
/// reflection were a fourth of what was left of a NativeAOT program's start, by a profile.
/// </summary>
internal static class GrpcMethods
{
    public const string ServiceName = "inference.GRPCInferenceService";

    /// <summary>What the server's library may look at of a service.</summary>
    private const DynamicallyAccessedMemberTypes Reflected =
        DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.NonPublicMethods;

    /// <summary>A method whose messages are small objects.</summary>
    public static void Add<[DynamicallyAccessedMembers(Reflected)] TService, TRequest, TResponse>(
        ServiceMethodProviderContext<TService> context, string name, MessageParser<TRequest> parser, UnaryServerMethod<TService, TRequest, TResponse> handler, bool isOpen = false)
        where TService : class
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new()
    {
        Marshaller<TRequest> request = new(Send, context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
        Marshaller<TResponse> response = new(Send, static _ => throw new NotSupportedException("a server reads no answers"));
        Add(context, name, request, response, handler, isOpen);

        static void Send<T>(T message, SerializationContext context)
            where T : IMessage
        {
            context.SetPayloadLength(message.CalculateSize());
            message.WriteTo(context.GetBufferWriter());
            context.Complete();
        }
    }

    /// <summary>A method with its own way to read and write.</summary>
    /// <param name="context">Where it is added.</param>
    /// <param name="name">Its name.</param>
    /// <param name="request">Reads requests.</param>
    /// <param name="response">Writes answers.</param>
    /// <param name="handler">Answers.</param>
    /// <param name="isOpen">Whether it needs no authorization, whatever is required of the rest.</param>
    public static void Add<[DynamicallyAccessedMembers(Reflected)] TService, TRequest, TResponse>(
        ServiceMethodProviderContext<TService> context, string name, Marshaller<TRequest> request, Marshaller<TResponse> response,
        UnaryServerMethod<TService, TRequest, TResponse> handler, bool isOpen = false)
        where TService : class
        where TRequest : class
        where TResponse : class
    {
        List<object> metadata = isOpen ? [new AllowAnonymousAttribute()] : [];
        metadata.Add(new HttpMethodMetadata([HttpMethods.Post], acceptCorsPreflight: true));
        context.AddUnaryMethod(new Method<TRequest, TResponse>(MethodType.Unary, ServiceName, name, request, response), metadata, handler);
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
