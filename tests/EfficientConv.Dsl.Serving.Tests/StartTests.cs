using Microsoft.Extensions.DependencyInjection;

namespace EfficientConv.Dsl.Serving.Tests;

/// <summary>Models are loaded beside the program's other work, once, and what goes wrong is said where it always was.</summary>
public sealed class StartTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void Models_BeginToLoad_BeforeTheProgramIsBuilt()
    {
        using ManualResetEventSlim loaded = new();
        new ServiceCollection().AddConvNets(models => models.Add("tiny", () =>
        {
            loaded.Set();
            return TestServer.Tiny;
        }));
        Assert.True(loaded.Wait(s_patience));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task WhatWasBegun_IsServed_AndALaterLoadIsANewOne(int threads)
    {
        int loads = 0;
        await using TestServer server = await TestServer.StartAsync(
            options => options.ThreadsPerImage = threads,
            models => models.Add("tiny", () =>
            {
                Interlocked.Increment(ref loads);
                return TestServer.Tiny;
            }));
        Assert.Equal(1, Volatile.Read(ref loads));
        Assert.Equal([("tiny", "1")], server.Models.Served);
        await server.Models.LoadAsync("tiny");
        Assert.Equal(2, Volatile.Read(ref loads));
    }

    [Fact]
    public async Task ServerIsNotReady_BeforeItsModelsAre()
    {
        using ManualResetEventSlim gate = new();
        Task<TestServer> starting = TestServer.StartAsync(models: models => models.Add("tiny", () =>
        {
            gate.Wait(s_patience);
            return TestServer.Tiny;
        }));
        await Task.Delay(200);
        Assert.False(starting.IsCompleted);
        gate.Set();
        await using TestServer server = await starting;
        Assert.Equal([("tiny", "1")], server.Models.Served);
    }

    [Fact]
    public async Task ExplicitLoad_BeforeTheStart_TakesNothingOld()
    {
        int loads = 0;
        await using TestServer server = await TestServer.StartAsync(
            models: models => models.Add("tiny", () =>
            {
                Interlocked.Increment(ref loads);
                return TestServer.Tiny;
            }),
            map: static app =>
            {
                app.Services.GetRequiredService<ModelRepository>().LoadAsync("tiny").GetAwaiter().GetResult();
                app.MapOpenInference();
            });
        Assert.Equal(2, Volatile.Read(ref loads));
    }
}
