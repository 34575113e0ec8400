using System.Diagnostics;
using System.Security.Cryptography;
using BatchScoring;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using StackExchange.Redis;

const string Usage = """
    usage: BatchScoring silo  [--redis HOST:PORT] [--port N]       a machine's process; the first free ports from N (11111) on
           BatchScoring score JOB [--redis HOST:PORT] [--images N]  scores what is not scored yet, and shows how far it is
           BatchScoring local [--images N]                          the same in this process alone
    """;
const int ShardImages = 100;
const int InFlight = 16;   // shards at once: enough that no machine waits for the client

if (args.Length == 0)
{
    Console.Error.WriteLine(Usage);
    return 2;
}

string redis = Option("--redis") ?? "localhost:6379", path = Path.Combine(AppContext.BaseDirectory, "test-images.idx3-ubyte");
int images = int.Parse(Option("--images") ?? "20000", System.Globalization.CultureInfo.InvariantCulture);
ShardRequest[] shards = [.. Enumerable.Range(0, (images + ShardImages - 1) / ShardImages)
        .Select(i => new ShardRequest(path, i * ShardImages, Math.Min(ShardImages, images - (i * ShardImages))))];
switch (args[0])
{
    case "silo":
        await RunSiloAsync(int.Parse(Option("--port") ?? "11111", System.Globalization.CultureInfo.InvariantCulture));
        return 0;
    case "score" when args.Length > 1:
        await ScoreAsync(args[1]);
        return 0;
    case "local":
        FashionClassifier.FashionNet network = Scoring.Load();
        Print([.. shards.Select(shard => Scoring.Run(network, shard))]);
        return 0;
    default:
        Console.Error.WriteLine(Usage);
        return 2;
}

string? Option(string name) => Array.IndexOf(args, name) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : null;

async Task RunSiloAsync(int port)
{
    HostApplicationBuilder builder = Host.CreateApplicationBuilder();
    builder.Logging.SetMinimumLevel(LogLevel.Warning);
    builder.UseOrleans(silo =>
    {
        silo.Configure<ClusterOptions>(Cluster);
        silo.UseRedisClustering(options => options.ConfigurationOptions = Redis());
        silo.AddRedisGrainStorageAsDefault(options => options.ConfigurationOptions = Redis());
        silo.ConfigureEndpoints("127.0.0.1", port, port + 1000);
        // A dead machine is noticed within seconds.
        silo.Configure<ClusterMembershipOptions>(options =>
            (options.ProbeTimeout, options.NumMissedProbesLimit, options.NumVotesForDeathDeclaration) = (TimeSpan.FromSeconds(1), 2, 1));
    });
    await builder.Build().RunAsync();
}

async Task ScoreAsync(string job)
{
    HostApplicationBuilder builder = Host.CreateApplicationBuilder();
    builder.Logging.SetMinimumLevel(LogLevel.Error);
    builder.UseOrleansClient(client =>
    {
        client.Configure<ClusterOptions>(Cluster);
        client.UseRedisClustering(options => options.ConfigurationOptions = Redis());
        client.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = TimeSpan.FromSeconds(10));
        client.UseConnectionRetryFilter(static async (_, cancellation) =>
        {
            await Task.Delay(1000, cancellation);
            return true;
        });
    });
    using IHost host = builder.Build();
    await host.StartAsync();
    IClusterClient cluster = host.Services.GetRequiredService<IClusterClient>();
    byte[][] results = new byte[shards.Length][];
    int done = 0;
    long begun = Stopwatch.GetTimestamp();
    using Timer progress = new(_ => Console.WriteLine($"{Volatile.Read(ref done)} of {shards.Length} shards, {Stopwatch.GetElapsedTime(begun).TotalSeconds:0} s"), null, 200, 200);
    await Parallel.ForAsync(0, shards.Length, new ParallelOptions { MaxDegreeOfParallelism = InFlight }, async (i, cancellation) =>
    {
        results[i] = await RetryAsync(() => cluster.GetGrain<IShardGrain>($"{job}/{i}").GetOrScoreAsync(shards[i]), cancellation);
        Interlocked.Increment(ref done);
    });
    Print(results);
    await host.StopAsync();
}

// A machine that dies takes its calls with it. They are made again: what was stored is found, the rest is scored again.
static async Task<T> RetryAsync<T>(Func<Task<T>> call, CancellationToken cancellation)
{
    while (true)
    {
        try
        {
            return await call();
        }
        catch (Exception exception) when (exception is OrleansException or TimeoutException or RedisException or IOException)
        {
            await Task.Delay(500, cancellation);
        }
    }
}

void Print(byte[][] results)
{
    byte[] all = [.. results.SelectMany(result => result)];
    Console.WriteLine($"images: {all.Length / sizeof(float) / Scoring.Classes}");
    Console.WriteLine($"bits: {Convert.ToHexStringLower(SHA256.HashData(all))}");
}

void Cluster(ClusterOptions options) => (options.ClusterId, options.ServiceId) = ("batch-scoring", "batch-scoring");

ConfigurationOptions Redis() => ConfigurationOptions.Parse(redis);
