namespace EfficientConv.Dsl.Serving;

/// <summary>Why a request is not answered; each protocol has its own number for it.</summary>
internal enum InferenceError
{
    /// <summary>400, INVALID_ARGUMENT.</summary>
    InvalidArgument,

    /// <summary>404, NOT_FOUND.</summary>
    NotFound,

    /// <summary>408, DEADLINE_EXCEEDED: the request itself took too long to arrive.</summary>
    SlowRequest,

    /// <summary>413, RESOURCE_EXHAUSTED: more than the server takes from anybody.</summary>
    TooLarge,

    /// <summary>429, RESOURCE_EXHAUSTED: more than the server can do now.</summary>
    Overloaded,

    /// <summary>504, DEADLINE_EXCEEDED.</summary>
    DeadlineExceeded,

    /// <summary>500, INTERNAL.</summary>
    Internal,
}

/// <summary>A request that is not answered, with a message for the client.</summary>
internal sealed class InferenceException(InferenceError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public InferenceError Error { get; } = error;
}
