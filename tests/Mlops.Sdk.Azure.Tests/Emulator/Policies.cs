using System.Collections.Concurrent;
using Azure.Core;
using Azure.Core.Pipeline;

namespace Mlops.Sdk.Azure.Tests.Emulator;

/// <summary>Stands between the client's retries and the service.</summary>
internal abstract class HttpPipelinePolicyOfTests : HttpPipelinePolicy
{
    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => throw new NotSupportedException("Only asynchronous calls were expected.");
}

/// <summary>Lets answers get lost after the service has done what was asked; and may let others act in between.</summary>
internal sealed class LostAnswers : HttpPipelinePolicyOfTests
{
    private readonly ConcurrentQueue<(Func<Request, bool> Which, Func<Task>? Then)> _plans = new();
    private readonly Random _random = new(5);
    private int _lost;

    /// <summary>Gets how many answers were lost.</summary>
    internal int Lost => _lost;

    /// <summary>Gets or sets how likely the answer to a PUT is lost.</summary>
    internal double Share { get; set; }

    /// <summary>Loses the answer to the next request of a kind.</summary>
    internal void Next(Func<Request, bool> which, Func<Task>? then = null) => _plans.Enqueue((which, then));

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        await ProcessNextAsync(message, pipeline);
        bool chance;
        lock (_random)
        {
            chance = message.Request.Method == RequestMethod.Put && _random.NextDouble() < Share;
        }

        Func<Task>? then = null;
        if (!chance && !(_plans.TryPeek(out (Func<Request, bool> Which, Func<Task>? Then) plan) && plan.Which(message.Request) && _plans.TryDequeue(out plan) && (then = plan.Then ?? (() => Task.CompletedTask)) is not null))
        {
            return;
        }

        Interlocked.Increment(ref _lost);
        if (then is not null)
        {
            await then();
        }

        throw new IOException("Injected: the connection was closed before the answer came.");
    }
}

/// <summary>Writes down every request.</summary>
internal sealed class Requests : HttpPipelinePolicyOfTests
{
    private readonly ConcurrentQueue<string> _all = new();
    private int _running;
    private int _most;
    private long _sent;

    /// <summary>Gets the requests: method, path and query.</summary>
    internal string[] All => [.. _all];

    /// <summary>Gets how many were running at the same time at most.</summary>
    internal int Most => _most;

    /// <summary>Gets how many bytes of content the service has taken.</summary>
    internal long Sent => Interlocked.Read(ref _sent);

    /// <summary>Gets or sets what happens before a request is sent.</summary>
    internal Func<Request, Task>? Before { get; set; }

    internal void Clear()
    {
        _all.Clear();
        _most = 0;
    }

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        _all.Enqueue($"{message.Request.Method} {message.Request.Uri.Path}{message.Request.Uri.Query}");
        int running = Interlocked.Increment(ref _running);
        InterlockedMax(ref _most, running);
        try
        {
            if (Before is { } before)
            {
                await before(message.Request);
            }

            await ProcessNextAsync(message, pipeline);
            if (message.Request.Content is { } content && content.TryComputeLength(out long length))
            {
                Interlocked.Add(ref _sent, length);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (int seen = Volatile.Read(ref target); seen < value; seen = Volatile.Read(ref target))
        {
            Interlocked.CompareExchange(ref target, value, seen);
        }
    }
}
