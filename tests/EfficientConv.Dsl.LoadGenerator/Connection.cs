using System.Globalization;
using System.Net.Sockets;

namespace EfficientConv.Dsl.LoadGenerator;

/// <summary>
/// A connection of HTTP/1.1 that is kept alive, of one thread. The client shares the processor with the server that it measures, so that its calls simply block: no thread is
/// woken to wake another, and what it takes is the system's copy of the bytes.
/// </summary>
internal sealed class Connection(Uri server) : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private byte[] _buffer = new byte[16 << 10];
    private int _filled;
    private int _bodyStart;
    private int _bodyLength;
    private Socket? _socket;

    /// <summary>Of the last answer.</summary>
    public ReadOnlySpan<byte> Body => _buffer.AsSpan(_bodyStart, _bodyLength);

    public void Dispose() => _socket?.Dispose();

    /// <summary>Sends a request and reads its answer.</summary>
    /// <param name="request">All bytes of the request.</param>
    /// <param name="headLength">How many of them a client that expects 100 Continue sends before it; 0 for one that does not.</param>
    /// <returns>The status; 0 where the connection breaks.</returns>
    public int Send(ReadOnlySpan<byte> request, int headLength)
    {
        _bodyLength = 0;
        try
        {
            if (_socket is null)
            {
                _socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = (int)s_patience.TotalMilliseconds };
                _socket.Connect(server.Host, server.Port);
            }

            if (headLength > 0)
            {
                SendAll(_socket, request[..headLength]);
                int early = Read(_socket, out _);
                if (early != 100)
                {
                    // Whether the server waits for the body on this connection is its own decision.
                    Close();
                    return early;
                }
            }

            // A server that rejects a request reads what is sent all the same.
            SendAll(_socket, request[headLength..]);
            int status = Read(_socket, out bool isLast);
            if (isLast)
                Close();
            return status;
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            Close();
            return 0;
        }
    }

    private static void SendAll(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[socket.Send(bytes)..];
    }

    private int Read(Socket socket, out bool isLast)
    {
        _filled = 0;
        int end;
        while ((end = _buffer.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8)) < 0)
            Receive(socket);

        ReadOnlySpan<byte> head = _buffer.AsSpan(0, end);
        int status = int.Parse(head.Slice("HTTP/1.1 ".Length, 3), NumberStyles.None, CultureInfo.InvariantCulture);
        isLast = Find(head, "\r\nConnection: "u8).SequenceEqual("close"u8);
        ReadOnlySpan<byte> length = Find(head, "\r\nContent-Length: "u8);
        _bodyStart = end + 4;
        _bodyLength = length.IsEmpty ? 0 : int.Parse(length, NumberStyles.None, CultureInfo.InvariantCulture);
        while (_filled < _bodyStart + _bodyLength)
            Receive(socket);
        return status;
    }

    /// <summary>The value of a header, spelled as both Kestrel and nginx do.</summary>
    private static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        int start = head.IndexOf(name);
        if (start < 0)
            return [];
        ReadOnlySpan<byte> value = head[(start + name.Length)..];
        int end = value.IndexOf((byte)'\r');
        return end < 0 ? value : value[..end];
    }

    private void Receive(Socket socket)
    {
        if (_filled == _buffer.Length)
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        int read = socket.Receive(_buffer.AsSpan(_filled));
        if (read == 0)
            throw new IOException("the answer is cut off");
        _filled += read;
    }

    private void Close()
    {
        _socket?.Dispose();
        _socket = null;
    }
}
