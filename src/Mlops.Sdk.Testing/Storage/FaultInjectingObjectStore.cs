using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Testing;

/// <summary>Stands before another store and lets calls go wrong: the next ones as told, or some by chance with a seed. Thread-safe.</summary>
/// <param name="inner">The store that does the work.</param>
/// <param name="seed">The seed of chance: single-threaded, the same seed gives the same faults.</param>
/// <param name="time">The clock of <see cref="StoreFault.Timeout"/> and <see cref="StoreFault.Throttled"/>; null for the system's.</param>
public sealed partial class FaultInjectingObjectStore(IObjectStore inner, int seed = 0, TimeProvider? time = null) : IStagingObjectStore, IResumableObjectStore
{
    private static readonly TimeSpan BusyFor = TimeSpan.FromSeconds(1);
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private DateTimeOffset _busyUntil = DateTimeOffset.MinValue;
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);
    private readonly List<Plan> _plans = [];
    private long _injected;

    /// <inheritdoc/>
    public string Description => inner.Description;

    /// <summary>Gets or sets how long a call waits before it is a <see cref="StoreFault.Timeout"/>.</summary>
    /// <value>Not negative. The default is no time.</value>
    public TimeSpan Patience { get; set; } = TimeSpan.Zero;

    /// <summary>Gets how many calls went wrong so far.</summary>
    public long Injected => Interlocked.Read(ref _injected);

    /// <summary>Lets coming calls go wrong.</summary>
    /// <param name="fault">How.</param>
    /// <param name="calls">Which calls. Reading faults concern <see cref="StoreCalls.Open"/> only, writing faults <see cref="StoreCalls.Put"/> only.</param>
    /// <param name="times">How many of them; at least 1.</param>
    /// <param name="skip">How many to let through before.</param>
    public void Next(StoreFault fault, StoreCalls calls, int times = 1, int skip = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(skip);
        Add(new Plan(fault, Limit(fault, calls), 1) { Left = times, Skip = skip });
    }

    /// <summary>Lets some calls go wrong by chance, until <see cref="Heal"/>.</summary>
    /// <param name="fault">How.</param>
    /// <param name="probability">How likely each call does, from 0 to 1.</param>
    /// <param name="calls">Which calls.</param>
    public void Sometimes(StoreFault fault, double probability, StoreCalls calls = StoreCalls.All)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(probability);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(probability, 1);
        Add(new Plan(fault, Limit(fault, calls), probability) { Left = long.MaxValue });
    }

    /// <summary>Lets every coming call go right.</summary>
    public void Heal()
    {
        lock (_gate)
        {
            _plans.Clear();
            _busyUntil = DateTimeOffset.MinValue;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
    {
        StoreFault? fault = await BeforeAsync(StoreCalls.Put, key.Value, cancellationToken).ConfigureAwait(false);
        if (fault is StoreFault.BrokenWrite or StoreFault.SlowWrite)
        {
            ArgumentNullException.ThrowIfNull(content);
            var sent = new FaultyContent(content, fault.Value, Chance());
            await using (sent.ConfigureAwait(false))
            {
                try
                {
                    return await inner.PutAsync(key, sent, condition, cancellationToken).ConfigureAwait(false);
                }
                catch (Exception error) when (sent.HasBroken && error is not OperationCanceledException)
                {
                    throw new MlopsStorageException("store.unavailable", $"Injected: the connection to the {Description} broke while '{key}' was sent.", error);
                }
            }
        }

        PutResult result = await inner.PutAsync(key, content, condition, cancellationToken).ConfigureAwait(false);
        After(fault, key.Value);
        return result;
    }

    /// <inheritdoc/>
    public async ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default)
    {
        StoreFault? fault = await BeforeAsync(StoreCalls.Open, key.Value, cancellationToken).ConfigureAwait(false);
        Stream? stream = await inner.OpenAsync(key, range, cancellationToken).ConfigureAwait(false);
        if (stream is not null && fault is StoreFault.TornRead or StoreFault.FlippedBit or StoreFault.SlowRead or StoreFault.BrokenRead)
        {
            return new FaultyStream(stream!, fault.Value, Chance());
        }

        if (fault == StoreFault.LostAnswer && stream is not null)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
        }

        After(fault, key.Value);
        return stream;
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        StoreFault? fault = await BeforeAsync(StoreCalls.Head, key.Value, cancellationToken).ConfigureAwait(false);
        ObjectInfo? info = await inner.HeadAsync(key, cancellationToken).ConfigureAwait(false);
        After(fault, key.Value);
        return info;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        StoreFault? fault = await BeforeAsync(StoreCalls.List, prefix, cancellationToken).ConfigureAwait(false);
        await foreach (ObjectInfo info in inner.ListAsync(prefix, after, cancellationToken).ConfigureAwait(false))
        {
            yield return info;
            After(fault, prefix); // breaks off after the first one
        }

        After(fault, prefix);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default)
    {
        StoreFault? fault = await BeforeAsync(StoreCalls.Delete, key.Value, cancellationToken).ConfigureAwait(false);
        bool removed = await inner.DeleteAsync(key, ifMatch, cancellationToken).ConfigureAwait(false);
        After(fault, key.Value);
        return removed;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        StoreFault? fault = await BeforeAsync(StoreCalls.Touch, key.Value, cancellationToken).ConfigureAwait(false);
        bool there = await inner.TouchAsync(key, cancellationToken).ConfigureAwait(false);
        After(fault, key.Value);
        return there;
    }

    private static StoreCalls Limit(StoreFault fault, StoreCalls calls) => fault switch
    {
        StoreFault.TornRead or StoreFault.FlippedBit or StoreFault.SlowRead or StoreFault.BrokenRead => calls & StoreCalls.Open,
        StoreFault.BrokenWrite or StoreFault.SlowWrite => calls & StoreCalls.Put,
        _ => calls,
    };

    private void Add(Plan plan)
    {
        lock (_gate)
        {
            _plans.Add(plan);
        }
    }

    private double Chance()
    {
        lock (_gate)
        {
            return _random.NextDouble();
        }
    }

    private async ValueTask<StoreFault?> BeforeAsync(StoreCalls call, string name, CancellationToken cancellationToken)
    {
        StoreFault? fault = Pick(call);
        if (fault is null)
        {
            return null;
        }

        Interlocked.Increment(ref _injected);
        switch (fault)
        {
            case StoreFault.Unavailable:
                throw new MlopsStorageException("store.unavailable", $"Injected: the {Description} cannot be reached for '{name}'.");
            case StoreFault.Full:
                throw new MlopsStorageException("store.full", $"Injected: the {Description} has no room for '{name}'.");
            case StoreFault.AccessDenied:
                throw new MlopsStorageException("store.access_denied", $"Injected: the {Description} refuses access to '{name}'.");
            case StoreFault.Throttled:
                throw new MlopsStorageException("store.unavailable", $"Injected: the {Description} is too busy for '{name}'. Try again after {BusyFor.TotalSeconds} s.");
            case StoreFault.Timeout:
                await Task.Delay(Patience, _time, cancellationToken).ConfigureAwait(false);
                throw new MlopsStorageException("store.unavailable", $"Injected: the {Description} did not answer about '{name}' within {Patience}.", new TimeoutException("Injected."));
            case StoreFault.Hang:
                await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken).ConfigureAwait(false);
                break;
        }

        return fault;
    }

    private StoreFault? Pick(StoreCalls call)
    {
        StoreFault? fault = null;
        lock (_gate)
        {
            if (_time.GetUtcNow() < _busyUntil)
            {
                return StoreFault.Throttled;
            }

            foreach (Plan plan in _plans)
            {
                if (!plan.Calls.HasFlag(call) || plan.Left == 0)
                {
                    continue;
                }

                if (plan.Skip > 0)
                {
                    plan.Skip--;
                    continue;
                }

                if (plan.Probability >= 1 || _random.NextDouble() < plan.Probability)
                {
                    plan.Left--;
                    fault = plan.Fault;
                    break;
                }
            }

            if (fault == StoreFault.Throttled)
            {
                _busyUntil = _time.GetUtcNow() + BusyFor;
            }
        }

        return fault;
    }

    private void After(StoreFault? fault, string name)
    {
        if (fault == StoreFault.LostAnswer)
        {
            throw new MlopsStorageException("store.unavailable", $"Injected: the answer of the {Description} about '{name}' was lost.");
        }
    }

    private sealed class Plan(StoreFault fault, StoreCalls calls, double probability)
    {
        internal StoreFault Fault => fault;

        internal StoreCalls Calls => calls;

        internal double Probability => probability;

        internal long Left { get; set; }

        internal int Skip { get; set; }
    }
}
