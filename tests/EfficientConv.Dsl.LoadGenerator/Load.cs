using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace EfficientConv.Dsl.LoadGenerator;

/// <summary>One run.</summary>
internal sealed class Load(Uri server, string model, FileInfo? picture, int? process, bool expects, TimeSpan retry)
{
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<int, ConcurrentQueue<double>> _times = new();
    private readonly ConcurrentDictionary<string, int> _answers = new();
    private long _measuredFrom;
    private int _retries;

    public async Task<int> RunAsync(double rate, bool isPaced, int connections, TimeSpan duration, CancellationToken cancellation)
    {
        byte[] request = await MakeRequestAsync(cancellation);
        Channel<long> arrivals = Channel.CreateUnbounded<long>();
        _measuredFrom = Stopwatch.GetTimestamp() + (long)(s_warmUp.TotalSeconds * Stopwatch.Frequency);
        long end = _measuredFrom + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        Task[] clients = [.. Enumerable.Range(0, connections).Select(_ => Task.Run(() => rate > 0 ? SendAsync(arrivals.Reader, request) : SendAsync(end, request), cancellation))];
        Task watch = WatchAsync(end, cancellation);
        if (rate > 0)
        {
            await Task.Factory.StartNew(() => Arrive(arrivals.Writer, rate, isPaced, end, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            arrivals.Writer.Complete();
        }

        await Task.WhenAll(clients);
        await watch;
        return Report(duration);
    }

    /// <summary>Requests come as from many clients that know nothing of each other: the times between them are exponentially distributed, unless it is paced.</summary>
    private static void Arrive(ChannelWriter<long> arrivals, double rate, bool isPaced, long end, CancellationToken cancellation)
    {
        Random random = new(1);
        double next = Stopwatch.GetTimestamp();
        while (next < end && !cancellation.IsCancellationRequested)
        {
            next += (isPaced ? 1 : -Math.Log(1 - random.NextDouble())) / rate * Stopwatch.Frequency;
            double wait = (next - Stopwatch.GetTimestamp()) * 1000 / Stopwatch.Frequency;
            if (wait > 1)
                Thread.Sleep((int)wait);
            arrivals.TryWrite((long)next);
        }
    }

    private async Task SendAsync(ChannelReader<long> arrivals, byte[] request)
    {
        using Connection connection = new(server);
        await foreach (long arrival in arrivals.ReadAllAsync())
            await SendAsync(connection, request, arrival);
    }

    private async Task SendAsync(long end, byte[] request)
    {
        using Connection connection = new(server);
        for (long now; (now = Stopwatch.GetTimestamp()) < end;)
            await SendAsync(connection, request, now);
    }

    /// <summary>The time is from when the request was due, so that a client that cannot send in time is seen in the figures.</summary>
    private async Task SendAsync(Connection connection, byte[] request, long due)
    {
        while (true)
        {
            (int status, byte[] body) = await connection.SendAsync(request);
            bool mayTryAgain = status is 0 or 502 or 503 && Stopwatch.GetElapsedTime(due) < retry;
            if (mayTryAgain)
            {
                Interlocked.Increment(ref _retries);
                await Task.Delay(20);
                continue;
            }

            if (status == 200)
                _answers.AddOrUpdate(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(body)), 1, static (_, count) => count + 1);
            if (due >= _measuredFrom)
                _times.GetOrAdd(status, static _ => new ConcurrentQueue<double>()).Enqueue(Stopwatch.GetElapsedTime(due).TotalMilliseconds);
            return;
        }
    }

    private async Task WatchAsync(long end, CancellationToken cancellation)
    {
        if (process is null)
            return;
        using Process server = Process.GetProcessById(process.Value);
        using Process self = Process.GetCurrentProcess();
        await Task.Delay(s_warmUp, cancellation);
        (TimeSpan Server, TimeSpan Self) before = Times(server, self);
        long begun = Stopwatch.GetTimestamp(), next = begun;
        while (Stopwatch.GetTimestamp() < end)
        {
            if (Stopwatch.GetTimestamp() >= next)
            {
                server.Refresh();
                Console.WriteLine($"memory at {Stopwatch.GetElapsedTime(begun).TotalSeconds,4:0} s: {server.WorkingSet64 / 1048576.0:0.0} MiB");
                next += 30 * Stopwatch.Frequency;
            }

            await Task.Delay(200, cancellation);
        }

        TimeSpan elapsed = Stopwatch.GetElapsedTime(begun);
        (TimeSpan Server, TimeSpan Self) after = Times(server, self);
        Console.WriteLine($"processor time: server {(after.Server - before.Server) / elapsed:0.00} cores, this client {(after.Self - before.Self) / elapsed:0.00} cores");
        Console.WriteLine($"memory at the end: {server.WorkingSet64 / 1048576.0:0.0} MiB, most {server.PeakWorkingSet64 / 1048576.0:0.0} MiB");

        static (TimeSpan Server, TimeSpan Self) Times(Process server, Process self)
        {
            server.Refresh();
            self.Refresh();
            return (server.TotalProcessorTime, self.TotalProcessorTime);
        }
    }

    private int Report(TimeSpan duration)
    {
        foreach ((int status, ConcurrentQueue<double> queue) in _times.OrderBy(pair => pair.Key))
        {
            double[] times = [.. queue.Order()];
            double At(double share) => times[Math.Min(times.Length - 1, (int)(share * times.Length))];
            string what = status == 0 ? "broken" : status.ToString(CultureInfo.InvariantCulture);
            Console.WriteLine($"{what}: {times.Length} answers, {times.Length / duration.TotalSeconds:0.0} a second; ms: median {At(0.5):0.00}, p90 {At(0.9):0.00}, p99 {At(0.99):0.00}, most {times[^1]:0.00}");
        }

        Console.WriteLine($"different answers: {_answers.Count} ({string.Join(", ", _answers.Values.OrderDescending())}); tried again: {_retries}");
        return _times.Keys.All(status => status is 200 or 429) && _times.ContainsKey(200) ? 0 : 1;
    }

    /// <summary>The bytes of a request, made once.</summary>
    private async Task<byte[]> MakeRequestAsync(CancellationToken cancellation)
    {
        if (picture is not null)
        {
            byte[] file = await File.ReadAllBytesAsync(picture.FullName, cancellation);
            return [.. Encoding.ASCII.GetBytes($"POST /v2/models/{model}/classify HTTP/1.1\r\nHost: {server.Authority}\r\nContent-Length: {file.Length}\r\n\r\n"), .. file];
        }

        using HttpClient http = new() { BaseAddress = server };
        using JsonDocument metadata = JsonDocument.Parse(await http.GetStringAsync($"v2/models/{model}", cancellation));
        JsonElement input = metadata.RootElement.GetProperty("inputs")[0];
        int[] shape = [1, .. input.GetProperty("shape").EnumerateArray().Skip(1).Select(size => size.GetInt32())];
        Random random = new(1);
        byte[] tensor = new byte[shape.Aggregate(4, (product, size) => product * size)];
        for (int i = 0; i < tensor.Length; i += 4)
            BitConverter.TryWriteBytes(tensor.AsSpan(i), (random.NextSingle() * 4) - 2);
        string json = $$"""{"inputs":[{"name":"{{input.GetProperty("name").GetString()}}","shape":[{{string.Join(',', shape)}}],"datatype":"FP32","parameters":{"binary_data_size":{{tensor.Length}} } }],"parameters":{"binary_data_output":true} }""";
        string expect = expects ? "Expect: 100-continue\r\n" : "";
        string head = $"POST /v2/models/{model}/infer HTTP/1.1\r\nHost: {server.Authority}\r\nInference-Header-Content-Length: {json.Length}\r\n{expect}Content-Length: {json.Length + tensor.Length}\r\n\r\n{json}";
        return [.. Encoding.ASCII.GetBytes(head), .. tensor];
    }
}
