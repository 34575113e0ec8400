namespace EfficientConv.Dsl.Serving;

/// <summary>How a server works and what it takes from a client.</summary>
public sealed class ConvNetServerOptions
{
    private const int MinSocketBufferBytes = 4096;

    /// <summary>The server's name in its metadata.</summary>
    public string ServerName { get; set; } = "efficientconv-dsl";

    /// <summary>Threads that run networks; 0 means as many as there are cores for <see cref="ThreadsPerImage"/>.</summary>
    public int Workers { get; set; }

    /// <summary>Threads that work on one image. 1 gives the most images a second; more give an answer sooner where cores would idle.</summary>
    public int ThreadsPerImage { get; set; } = 1;

    /// <summary>Images that may wait for a worker; whatever would be more is rejected at once.</summary>
    public int QueueCapacity { get; set; } = 64;

    /// <summary>Requests that may be read, wait or run at once: a bound on memory, also where clients send slowly.</summary>
    public int MaxConcurrentRequests { get; set; } = 512;

    /// <summary>Images of one request.</summary>
    public int MaxBatch { get; set; } = 32;

    /// <summary>Bytes of one request's body.</summary>
    public int MaxRequestBytes { get; set; } = 32 << 20;

    /// <summary>Pixels of a picture to classify, as its header has them.</summary>
    public int MaxImagePixels { get; set; } = 25_000_000;

    /// <summary>
    /// Bytes of the blocks that sockets are read into, 4096 or more. Few large ones cost less time for tensors of hundreds of kilobytes, small ones less memory where thousands
    /// of clients send at once. They are Kestrel's for all of the program.
    /// </summary>
    public int SocketBufferBytes { get; set; } = 32 << 10;

    /// <summary>How long a request's body may take to arrive.</summary>
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a request may wait and run where it names no time itself; null means without an end.</summary>
    public TimeSpan? RequestTimeout { get; set; }

    /// <summary>
    /// How long the server goes on as before after it was told to stop, but says that it is not ready: as long as a load balancer takes to notice. What is running then is
    /// always finished, within the host's <c>ShutdownTimeout</c>.
    /// </summary>
    public TimeSpan DrainDelay { get; set; }

    internal int EffectiveWorkers => Workers > 0 ? Workers : Math.Max(1, Environment.ProcessorCount / Math.Max(1, ThreadsPerImage));

    internal void Check()
    {
        Positive(ThreadsPerImage, nameof(ThreadsPerImage));
        Positive(QueueCapacity, nameof(QueueCapacity));
        Positive(MaxConcurrentRequests, nameof(MaxConcurrentRequests));
        Positive(MaxBatch, nameof(MaxBatch));
        Positive(MaxRequestBytes, nameof(MaxRequestBytes));
        Positive(MaxImagePixels, nameof(MaxImagePixels));
        if (SocketBufferBytes < MinSocketBufferBytes)
            throw new InvalidOperationException($"{nameof(ConvNetServerOptions)}.{nameof(SocketBufferBytes)} must be {MinSocketBufferBytes} or more, found {SocketBufferBytes}.");
        if (Workers < 0)
            throw new InvalidOperationException($"{nameof(ConvNetServerOptions)}.{nameof(Workers)} must be 0 or more, found {Workers}.");
        if (BodyTimeout <= TimeSpan.Zero || RequestTimeout <= TimeSpan.Zero || DrainDelay < TimeSpan.Zero)
        {
            throw new InvalidOperationException($"{nameof(ConvNetServerOptions)}: {nameof(BodyTimeout)} ({BodyTimeout}) and {nameof(RequestTimeout)} ({RequestTimeout}) "
                + $"must be positive, and {nameof(DrainDelay)} ({DrainDelay}) must not be negative.");
        }

        static void Positive(int value, string name)
        {
            if (value < 1)
                throw new InvalidOperationException($"{nameof(ConvNetServerOptions)}.{name} must be 1 or more, found {value}.");
        }
    }
}
