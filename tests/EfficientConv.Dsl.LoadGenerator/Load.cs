using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EfficientConv.Dsl.LoadGenerator;

/// <summary>What one run is to be.</summary>
internal sealed record LoadOptions(Uri Server, string Model)
{
    public FileInfo? Picture { get; init; }

    /// <summary>The server's process.</summary>
    public int? Process { get; init; }

    public bool Expects { get; init; }

    /// <summary>Requests a second; 0 sends the next one when an answer has come.</summary>
    public double Rate { get; init; }

    public bool IsPaced { get; init; }

    public int Connections { get; init; }

    public TimeSpan Duration { get; init; }

    /// <summary>How long a request is tried again.</summary>
    public TimeSpan Retry { get; init; }

    /// <summary>Workers and milliseconds an image of the ideal server that the run is compared with.</summary>
    public (int Workers, double Milliseconds)? Ideal { get; init; }
}

/// <summary>One run.</summary>
internal sealed class Load(LoadOptions options)
{
    private const int StackBytes = 256 << 10;

    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly JsonObject _result = [];
    private readonly Random _random = new(1);
    private readonly SortedDictionary<int, List<double>> _times = [];
    private readonly List<(byte[] Body, int Count)> _answers = [];
    private readonly List<double> _arrivals = [];
    private double _next;
    private long _measuredFrom;
    private long _end;
    private int _retries;

    /// <summary>What a run has measured, when it is over.</summary>
    public JsonObject Result => _result;

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        (byte[] request, int headLength) = await MakeRequestAsync(cancellation);
        _next = Stopwatch.GetTimestamp();
        _measuredFrom = (long)_next + (long)(s_warmUp.TotalSeconds * Stopwatch.Frequency);
        _end = _measuredFrom + (long)(options.Duration.TotalSeconds * Stopwatch.Frequency);
        Thread[] clients = [.. Enumerable.Range(0, options.Connections).Select(_ => new Thread(() => Work(request, headLength, cancellation), StackBytes))];
        foreach (Thread client in clients)
            client.Start();
        await WatchAsync(cancellation);
        foreach (Thread client in clients)
            client.Join();
        return Report();
    }

    private void Work(byte[] request, int headLength, CancellationToken cancellation)
    {
        using Connection connection = new(options.Server);
        List<(int Status, double Milliseconds)> times = [];
        while (!cancellation.IsCancellationRequested && WaitForNext() is long due)
        {
            int status = connection.Send(request, headLength);
            while (status is 0 or 502 or 503 && Stopwatch.GetElapsedTime(due) < options.Retry)
            {
                Interlocked.Increment(ref _retries);
                Thread.Sleep(20);
                status = connection.Send(request, headLength);
            }

            if (due >= _measuredFrom)
                times.Add((status, Stopwatch.GetElapsedTime(due).TotalMilliseconds));
            if (status == 200)
                Compare(connection.Body);
        }

        lock (_lock)
        {
            foreach ((int status, double milliseconds) in times)
            {
                if (!_times.TryGetValue(status, out List<double>? all))
                    _times.Add(status, all = []);
                all.Add(milliseconds);
            }
        }
    }

    /// <summary>
    /// Takes the next request and waits until it is due; null when the run is over. Requests come as from many clients that know nothing of each other: the times between them
    /// are exponentially distributed, unless it is paced. A time is from when its request was due, so that a client that cannot send in time is seen in the figures.
    /// </summary>
    private long? WaitForNext()
    {
        long due;
        if (options.Rate > 0)
        {
            lock (_lock)
            {
                _next += (options.IsPaced ? 1 : -Math.Log(1 - _random.NextDouble())) / options.Rate * Stopwatch.Frequency;
                due = (long)_next;
                if (due >= _measuredFrom && due < _end)
                    _arrivals.Add(_next / Stopwatch.Frequency * 1000);
            }
        }
        else
        {
            due = Stopwatch.GetTimestamp();
        }

        if (due >= _end)
            return null;
        // To the millisecond below; what is sent early counts from when it is sent.
        double wait = (due - Stopwatch.GetTimestamp()) * 1000.0 / Stopwatch.Frequency;
        if (wait >= 1)
            Thread.Sleep((int)wait);
        return Math.Min(due, Stopwatch.GetTimestamp());
    }

    private void Compare(ReadOnlySpan<byte> body)
    {
        lock (_lock)
        {
            for (int i = 0; i < _answers.Count; i++)
            {
                (byte[] known, int count) = _answers[i];
                if (body.SequenceEqual(known))
                {
                    _answers[i] = (known, count + 1);
                    return;
                }
            }

            _answers.Add((body.ToArray(), 1));
        }
    }

    private async Task WatchAsync(CancellationToken cancellation)
    {
        if (options.Process is null)
            return;
        using Process server = Process.GetProcessById(options.Process.Value);
        using Process self = Process.GetCurrentProcess();
        await Task.Delay(s_warmUp, cancellation);
        JsonArray memory = [];
        (TimeSpan Server, TimeSpan Self) before = Times(server, self);
        long begun = Stopwatch.GetTimestamp(), next = begun;
        while (Stopwatch.GetTimestamp() < _end)
        {
            if (Stopwatch.GetTimestamp() >= next)
            {
                server.Refresh();
                memory.Add(Math.Round(server.WorkingSet64 / 1048576.0, 1));
                Console.WriteLine($"memory at {Stopwatch.GetElapsedTime(begun).TotalSeconds,4:0} s: {server.WorkingSet64 / 1048576.0:0.0} MiB");
                next += 30 * Stopwatch.Frequency;
            }

            await Task.Delay(200, cancellation);
        }

        TimeSpan elapsed = Stopwatch.GetElapsedTime(begun);
        (TimeSpan Server, TimeSpan Self) after = Times(server, self);
        Console.WriteLine($"processor time: server {(after.Server - before.Server) / elapsed:0.00} cores, this client {(after.Self - before.Self) / elapsed:0.00} cores");
        _result["serverCores"] = Math.Round((after.Server - before.Server) / elapsed, 3);
        _result["clientCores"] = Math.Round((after.Self - before.Self) / elapsed, 3);
        memory.Add(Math.Round(server.WorkingSet64 / 1048576.0, 1));
        _result["memoryMiB"] = memory;
        Console.WriteLine($"memory at the end: {server.WorkingSet64 / 1048576.0:0.0} MiB, most {server.PeakWorkingSet64 / 1048576.0:0.0} MiB");

        static (TimeSpan Server, TimeSpan Self) Times(Process server, Process self)
        {
            server.Refresh();
            self.Refresh();
            return (server.TotalProcessorTime, self.TotalProcessorTime);
        }
    }

    private int Report()
    {
        _result["seconds"] = options.Duration.TotalSeconds;
        JsonObject answers = [];
        _result["answers"] = answers;
        foreach ((int status, List<double> times) in _times)
        {
            answers[status.ToString(CultureInfo.InvariantCulture)] =
                new JsonObject { ["perSecond"] = Math.Round(times.Count / options.Duration.TotalSeconds, 1), ["ms"] = RunFile.Distribution(times) };
            string what = status == 0 ? "broken" : status.ToString(CultureInfo.InvariantCulture);
            Console.WriteLine($"{what}: {times.Count} answers, {times.Count / options.Duration.TotalSeconds:0.0} a second; ms: {Distribution(times)}");
        }

        if (options.Ideal is (int workers, double milliseconds))
        {
            double[] ideal = [.. Queue.Times(_arrivals, workers, milliseconds)];
            _result["ideal"] = new JsonObject { ["workers"] = workers, ["imageMs"] = milliseconds, ["ms"] = RunFile.Distribution(ideal) };
            Console.WriteLine($"an ideal server of {workers} x {milliseconds:0.00} ms would have had, ms: {Distribution(ideal)}");
        }

        string counts = string.Join(", ", _answers.Select(answer => answer.Count).OrderDescending());
        _result["differentAnswers"] = _answers.Count;
        _result["triedAgain"] = _retries;
        Console.WriteLine($"different answers: {_answers.Count} ({counts}); tried again: {_retries}");
        return _times.Keys.All(status => status is 200 or 429) && _times.ContainsKey(200) ? 0 : 1;
    }

    private static string Distribution(IEnumerable<double> values)
    {
        double[] times = [.. values.Order()];
        double At(double share) => times[Math.Min(times.Length - 1, (int)(share * times.Length))];
        return times.Length == 0 ? "none" : $"median {At(0.5):0.00}, p90 {At(0.9):0.00}, p99 {At(0.99):0.00}, most {times[^1]:0.00}";
    }

    /// <summary>The bytes of a request, made once, and how many of them are sent before 100 Continue.</summary>
    private async Task<(byte[] Request, int HeadLength)> MakeRequestAsync(CancellationToken cancellation)
    {
        if (options.Picture is not null)
            return Assemble("classify", "", [], await File.ReadAllBytesAsync(options.Picture.FullName, cancellation));

        using HttpClient http = new() { BaseAddress = options.Server };
        using JsonDocument metadata = JsonDocument.Parse(await http.GetStringAsync($"v2/models/{options.Model}", cancellation));
        JsonElement input = metadata.RootElement.GetProperty("inputs")[0];
        int[] shape = [1, .. input.GetProperty("shape").EnumerateArray().Skip(1).Select(size => size.GetInt32())];
        Random random = new(1);
        byte[] tensor = new byte[shape.Aggregate(4, (product, size) => product * size)];
        for (int i = 0; i < tensor.Length; i += 4)
            BitConverter.TryWriteBytes(tensor.AsSpan(i), (random.NextSingle() * 4) - 2);
        string json = $$"""
            {"inputs":[{"name":"{{input.GetProperty("name").GetString()}}","shape":[{{string.Join(',', shape)}}],"datatype":"FP32",
            "parameters":{"binary_data_size":{{tensor.Length}} } }],"parameters":{"binary_data_output":true} }
            """;
        return Assemble("infer", $"Inference-Header-Content-Length: {json.Length}\r\n", Encoding.ASCII.GetBytes(json), tensor);
    }

    private (byte[] Request, int HeadLength) Assemble(string method, string headers, byte[] json, byte[] data)
    {
        byte[] head = Encoding.ASCII.GetBytes(
            $"POST /v2/models/{options.Model}/{method} HTTP/1.1\r\nHost: {options.Server.Authority}\r\n{headers}"
            + $"{(options.Expects ? "Expect: 100-continue\r\n" : "")}Content-Length: {json.Length + data.Length}\r\n\r\n");
        return ([.. head, .. json, .. data], options.Expects ? head.Length : 0);
    }
}
