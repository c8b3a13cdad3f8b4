using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Mlops.Sdk.Serving;

/// <summary>A version in memory, with the leases of the calls that use it: it is disposed after the last one, never before.</summary>
/// <remarks>
/// A call enters (a full fence), then looks whether the version is still the current one and backs out if not. A swap publishes the new
/// version (a full fence), then retires the old one. So either the call sees the new version, or the retirement sees the call. Counters
/// only grow but for the backing out, and are striped by thread, so that threads do not meet on one cache line.
/// </remarks>
internal sealed class LiveVersion
{
    private static readonly int StripeMask = (int)Math.Min(64, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount * 2)) - 1;

    private readonly Stripe[] _stripes = new Stripe[StripeMask + 1];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger _logger;
    private object[] _bindings = [];
    private bool _retired;
    private int _finished;

    internal LiveVersion(ModelVersion version, ModelManifest manifest, ILoadedModel model, DateTimeOffset since, ILogger logger)
    {
        Version = version;
        Number = version.Number;
        Manifest = manifest;
        Model = model;
        Scorer = model.Scorer;
        Since = since;
        NumberSlots = model.Schema.Inputs.Count(i => i.Kind == InputKind.Number);
        TextSlots = model.Schema.Inputs.Count - NumberSlots;
        OutputSlots = model.Schema.Outputs.Count;
        _logger = logger;
    }

    internal ModelVersion Version { get; }

    internal int Number { get; }

    internal ModelManifest Manifest { get; }

    internal ILoadedModel Model { get; }

    internal string Scorer { get; }

    /// <summary>Gets why the model was not compiled, or null when it was.</summary>
    internal string? ScorerProblem { get; init; }

    internal DateTimeOffset Since { get; }

    internal int NumberSlots { get; }

    internal int TextSlots { get; }

    internal int OutputSlots { get; }

    /// <summary>Gets or sets how each view's types map to this version's slots, by the view's index. Replaced whole, never written into.</summary>
    internal object[] Bindings
    {
        get => Volatile.Read(ref _bindings);
        set => Volatile.Write(ref _bindings, value);
    }

    /// <summary>Gets a task that ends when the version was retired, its last call has returned and its model is disposed.</summary>
    internal Task Ended => _ended.Task;

    /// <summary>Gets how many rows this version has answered.</summary>
    internal long Rows
    {
        get
        {
            long rows = 0;
            foreach (ref Stripe stripe in _stripes.AsSpan())
            {
                rows += Volatile.Read(ref stripe.Exited) + Volatile.Read(ref stripe.ExtraRows) - Volatile.Read(ref stripe.Failed);
            }

            return Math.Max(0, rows);
        }
    }

    /// <summary>Gets how many calls this version has failed.</summary>
    internal long Failures
    {
        get
        {
            long failures = 0;
            foreach (ref Stripe stripe in _stripes.AsSpan())
            {
                failures += Volatile.Read(ref stripe.Failed);
            }

            return failures;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Enter(int thread) => Interlocked.Increment(ref StripeOf(thread).Entered);

    /// <summary>Takes an <see cref="Enter"/> back: the version turned out not to be the current one.</summary>
    internal void BackOut(int thread)
    {
        Interlocked.Decrement(ref StripeOf(thread).Entered);
        FinishIfRetired();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Leave(int thread)
    {
        Interlocked.Increment(ref StripeOf(thread).Exited);
        FinishIfRetired();
    }

    internal void LeaveBatch(int thread, int rows)
    {
        Interlocked.Add(ref StripeOf(thread).ExtraRows, rows - 1);
        Leave(thread);
    }

    internal void LeaveFailed(int thread)
    {
        Interlocked.Increment(ref StripeOf(thread).Failed);
        Leave(thread);
    }

    /// <summary>Frees the version after its last call. To be called once it is no longer the current one.</summary>
    internal void Retire()
    {
        Volatile.Write(ref _retired, true);
        Interlocked.MemoryBarrier();
        FinishIfRetired();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void FinishIfRetired()
    {
        if (Volatile.Read(ref _retired))
        {
            Finish();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Finish()
    {
        foreach (ref Stripe stripe in _stripes.AsSpan())
        {
            // exits first: then an equal number of entries means that nobody was inside at the second read
            long exited = Volatile.Read(ref stripe.Exited);
            if (Volatile.Read(ref stripe.Entered) != exited)
            {
                return;
            }
        }

        if (Interlocked.Exchange(ref _finished, 1) == 0)
        {
            // not on the caller's time
            ThreadPool.UnsafeQueueUserWorkItem(static version => version.Free(), this, preferLocal: false);
        }
    }

    private void Free()
    {
        try
        {
            Model.Dispose();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _logger.DisposeFailed(Version.Model, Number, e);
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Stripe StripeOf(int thread) => ref _stripes[thread & (_stripes.Length - 1)];

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Stripe
    {
        [FieldOffset(0)]
        internal long Entered;
        [FieldOffset(8)]
        internal long Exited;
        [FieldOffset(16)]
        internal long ExtraRows;
        [FieldOffset(24)]
        internal long Failed;
    }
}
