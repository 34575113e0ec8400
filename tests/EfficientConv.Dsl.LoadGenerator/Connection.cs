using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace EfficientConv.Dsl.LoadGenerator;

/// <summary>A connection of HTTP/1.1 that is kept alive, with as little work for a request as there can be: the client shares the cores with the server that it measures.</summary>
internal sealed class Connection(Uri server) : IDisposable
{
    private readonly byte[] _buffer = new byte[64 << 10];
    private Socket? _socket;

    public void Dispose() => _socket?.Dispose();

    /// <summary>Sends a request and reads its answer; status 0 where the connection breaks.</summary>
    public async Task<(int Status, byte[] Body)> SendAsync(byte[] request)
    {
        try
        {
            if (_socket is null)
            {
                _socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await _socket.ConnectAsync(server.Host, server.Port);
            }

            int headLength = request.AsSpan().IndexOf("\r\n\r\n"u8) + 4, sent = 0;
            bool isExpecting = request.AsSpan(0, headLength).IndexOf("Expect: 100-continue"u8) >= 0;
            if (isExpecting)
            {
                await SendAllAsync(_socket, request.AsMemory(0, headLength));
                (int early, byte[] answer, _) = await ReadAsync(_socket);
                if (early != 100)
                {
                    // The server would wait for a body on this connection.
                    Close();
                    return (early, answer);
                }

                sent = headLength;
            }

            // A server that rejects a request answers before it has read all of it: both directions go on at once.
            Task send = SendAllAsync(_socket, request.AsMemory(sent));
            (int status, byte[] body, bool isLast) = await ReadAsync(_socket);
            if (isLast)
            {
                Close();
                return (status, body);
            }

            await send;
            return (status, body);
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            Close();
            return (0, []);
        }
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> request)
    {
        try
        {
            for (int sent = 0; sent < request.Length;)
                sent += await socket.SendAsync(request[sent..]);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The answer, or that there is none, says more.
        }
    }

    private async Task<(int Status, byte[] Body, bool IsLast)> ReadAsync(Socket socket)
    {
        int filled = 0, end;
        while ((end = _buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
        {
            int read = await socket.ReceiveAsync(_buffer.AsMemory(filled));
            if (read == 0 || (filled += read) == _buffer.Length)
                throw new IOException("the answer has no end of its head");
        }

        string head = Encoding.ASCII.GetString(_buffer, 0, end);
        int status = int.Parse(head.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture), length = 0;
        bool isLast = false;
        foreach (string line in head.Split("\r\n"))
        {
            if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                length = int.Parse(line.AsSpan(15).Trim(), NumberStyles.None, CultureInfo.InvariantCulture);
            else if (line.StartsWith("Connection:", StringComparison.OrdinalIgnoreCase))
                isLast = line.Contains("close", StringComparison.OrdinalIgnoreCase);
        }

        byte[] body = new byte[length];
        int have = Math.Min(length, filled - end - 4);
        _buffer.AsSpan(end + 4, have).CopyTo(body);
        while (have < length)
        {
            int read = await socket.ReceiveAsync(body.AsMemory(have));
            if (read == 0)
                throw new IOException("the answer is cut off");
            have += read;
        }

        return (status, body, isLast);
    }

    private void Close()
    {
        _socket?.Dispose();
        _socket = null;
    }
}
