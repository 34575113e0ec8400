using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace EfficientConv.Dsl.LoadGenerator;

/// <summary>Starts a server again and again, and reports how long it takes from the system's call to the first answer that says ready, and what memory it has then.</summary>
internal sealed class Starts(string binary, IReadOnlyList<string> arguments, int port)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly byte[] _answer = new byte[1024];

    public JsonObject Run(int count)
    {
        List<double> times = [], memory = [];
        for (int i = 0; i < count; i++)
        {
            (double milliseconds, double mebibytes) = Once();
            times.Add(milliseconds);
            memory.Add(mebibytes);
        }

        JsonObject result = new() { ["startToReadyMs"] = RunFile.Distribution(times), ["memoryMiB"] = RunFile.Distribution(memory) };
        foreach ((string what, JsonNode? figures) in result)
            Console.WriteLine($"{what}: {string.Join(", ", figures!.AsObject().Select(figure => $"{figure.Key} {figure.Value}"))}");
        return result;
    }

    private (double Milliseconds, double Mebibytes) Once()
    {
        ProcessStartInfo start = new(binary, [.. arguments, string.Create(CultureInfo.InvariantCulture, $"HttpPort={port}"), string.Create(CultureInfo.InvariantCulture, $"GrpcPort={port + 1}")])
        {
            Environment = { ["Logging__LogLevel__Default"] = "Warning" },
        };
        long begun = Stopwatch.GetTimestamp();
        using Process server = Process.Start(start)!;
        try
        {
            while (!IsReady())
            {
                if (server.HasExited || Stopwatch.GetElapsedTime(begun) > s_patience)
                    throw new InvalidOperationException($"{binary} did not become ready");
                Thread.Sleep(0);
            }

            double milliseconds = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
            server.Refresh();
            return (milliseconds, server.WorkingSet64 / 1048576.0);
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
        }
    }

    private bool IsReady()
    {
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            socket.Send("GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n"u8);
            return _answer.AsSpan(0, socket.Receive(_answer)).StartsWith("HTTP/1.1 200 "u8);
        }
        catch (SocketException)
        {
            Thread.Sleep(TimeSpan.FromMicroseconds(300));
            return false;
        }
    }
}
