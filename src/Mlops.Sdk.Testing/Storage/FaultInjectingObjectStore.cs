using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Testing;

/// <summary>What can go wrong between a program and its store.</summary>
public enum StoreFault
{
    /// <summary>The call fails with <c>store.unavailable</c> and has no effect, as when the medium is away.</summary>
    Unavailable,

    /// <summary>The call takes effect and then fails with <c>store.unavailable</c>, as when the answer is lost.</summary>
    LostAnswer,

    /// <summary>The call fails with <c>store.full</c> and has no effect.</summary>
    Full,

    /// <summary>The call fails with <c>store.access_denied</c> and has no effect.</summary>
    AccessDenied,

    /// <summary>What is read ends too early, without an error.</summary>
    TornRead,

    /// <summary>One bit of what is read is another one, without an error.</summary>
    FlippedBit,

    /// <summary>What is read comes one byte at a time.</summary>
    SlowRead,

    /// <summary>The connection breaks while reading: some bytes, then <see cref="IOException"/>.</summary>
    BrokenRead,
}

/// <summary>The calls of a store.</summary>
[Flags]
public enum StoreCalls
{
    /// <summary>None of them.</summary>
    None = 0,

    /// <summary><see cref="IObjectStore.PutAsync"/>.</summary>
    Put = 1,

    /// <summary><see cref="IObjectStore.OpenAsync"/>.</summary>
    Open = 2,

    /// <summary><see cref="IObjectStore.HeadAsync"/>.</summary>
    Head = 4,

    /// <summary><see cref="IObjectStore.ListAsync"/>.</summary>
    List = 8,

    /// <summary><see cref="IObjectStore.DeleteAsync"/>.</summary>
    Delete = 16,

    /// <summary><see cref="IObjectStore.TouchAsync"/>.</summary>
    Touch = 32,

    /// <summary>All of them.</summary>
    All = Put | Open | Head | List | Delete | Touch,
}

/// <summary>Stands before another store and lets calls go wrong: the next ones as told, or some by chance with a seed. Thread-safe.</summary>
/// <param name="inner">The store that does the work.</param>
/// <param name="seed">The seed of chance: single-threaded, the same seed gives the same faults.</param>
public sealed class FaultInjectingObjectStore(IObjectStore inner, int seed = 0) : IObjectStore
{
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);
    private readonly List<Plan> _plans = [];
    private long _injected;

    /// <inheritdoc/>
    public string Description => inner.Description;

    /// <summary>Gets how many calls went wrong so far.</summary>
    public long Injected => Interlocked.Read(ref _injected);

    /// <summary>Lets coming calls go wrong.</summary>
    /// <param name="fault">How.</param>
    /// <param name="calls">Which calls. Reading faults concern <see cref="StoreCalls.Open"/> only.</param>
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
        }
    }

    /// <inheritdoc/>
    public async ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
    {
        StoreFault? fault = Before(StoreCalls.Put, key.Value);
        PutResult result = await inner.PutAsync(key, content, condition, cancellationToken).ConfigureAwait(false);
        After(fault, key.Value);
        return result;
    }

    /// <inheritdoc/>
    public async ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default)
    {
        StoreFault? fault = Before(StoreCalls.Open, key.Value);
        Stream? stream = await inner.OpenAsync(key, range, cancellationToken).ConfigureAwait(false);
        if (stream is null || fault is null or StoreFault.LostAnswer)
        {
            After(fault, key.Value);
            return stream;
        }

        return new FaultyStream(stream, fault.Value, Chance());
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        After(Before(StoreCalls.Head, key.Value), key.Value);
        return await inner.HeadAsync(key, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        StoreFault? fault = Before(StoreCalls.List, prefix);
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
        StoreFault? fault = Before(StoreCalls.Delete, key.Value);
        bool removed = await inner.DeleteAsync(key, ifMatch, cancellationToken).ConfigureAwait(false);
        After(fault, key.Value);
        return removed;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        StoreFault? fault = Before(StoreCalls.Touch, key.Value);
        bool there = await inner.TouchAsync(key, cancellationToken).ConfigureAwait(false);
        After(fault, key.Value);
        return there;
    }

    private static StoreCalls Limit(StoreFault fault, StoreCalls calls) =>
        fault is StoreFault.TornRead or StoreFault.FlippedBit or StoreFault.SlowRead or StoreFault.BrokenRead ? calls & StoreCalls.Open : calls;

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

    private StoreFault? Before(StoreCalls call, string name)
    {
        StoreFault? fault = null;
        lock (_gate)
        {
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
        }

        if (fault is null)
        {
            return null;
        }

        Interlocked.Increment(ref _injected);
        return fault switch
        {
            StoreFault.Unavailable => throw new MlopsStorageException("store.unavailable", $"Injected: the {Description} cannot be reached for '{name}'."),
            StoreFault.Full => throw new MlopsStorageException("store.full", $"Injected: the {Description} has no room for '{name}'."),
            StoreFault.AccessDenied => throw new MlopsStorageException("store.access_denied", $"Injected: the {Description} refuses access to '{name}'."),
            _ => fault,
        };
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
