using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Mlops.Sdk.Serving;

/// <summary>Writes deployment entries in order and beside the loading: a ledger that cannot be written to never holds a swap up.</summary>
internal sealed class DeploymentLog : IAsyncDisposable
{
    private const int Capacity = 1_024;
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private readonly Channel<Note> _notes = Channel.CreateBounded<Note>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly ILedger _ledger;
    private readonly IIdGenerator _ids;
    private readonly string _host;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writing;

    internal DeploymentLog(ILedger ledger, IIdGenerator ids, string host, TimeProvider time, ILogger logger)
    {
        _ledger = ledger;
        _ids = ids;
        _host = host;
        _time = time;
        _logger = logger;
        _writing = Background.Run(WriteAsync);
    }

    /// <summary>Notes what happened; all drafts go into one commit.</summary>
    /// <returns>A task that ends when the entries are written, or when writing them has failed once and is tried again later.</returns>
    internal Task AddAsync(params ReadOnlySpan<LedgerDraft> drafts)
    {
        var note = new Note([.. drafts]);
        if (!_notes.Writer.TryWrite(note))
        {
            _logger.NotesLost(drafts.Length);
            note.Tried.TrySetResult();
        }

        return note.Tried.Task;
    }

    internal LedgerDraft Draft(string kind, ModelVersion version, string reason, string? scorer = null, string? problem = null)
    {
        var data = new DeploymentNote(version.Model, version.Number, _host, scorer, problem);
        return new LedgerDraft(
            kind,
            new LedgerResource("model", version.Model, version.Number, version.Digest),
            reason.Length <= 4_000 ? reason : reason[..4_000],
            LedgerData.Of(data))
        {
            Actor = Actor.System,
            Outcome = kind == LedgerKinds.DeploymentFailed ? LedgerOutcome.Failed : LedgerOutcome.Done,
            Id = _ids.NewId(), // a retry after a lost answer then writes nothing twice
        };
    }

    /// <summary>Writes what is left, each note tried once more, and ends.</summary>
    internal async Task CloseAsync()
    {
        if (_notes.Writer.TryComplete())
        {
            await _stop.CancelAsync().ConfigureAwait(false);
        }

        await _writing.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task WriteAsync()
    {
        await foreach (Note note in _notes.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            TimeSpan wait = TimeSpan.FromSeconds(1);
            while (!await TryWriteAsync(note, wait).ConfigureAwait(false))
            {
                note.Tried.TrySetResult();
                if (_stop.IsCancellationRequested)
                {
                    _logger.NotesLost(note.Drafts.Length);
                    break;
                }

                // stopping ends the wait and leads to one last try
                await Task.Delay(wait, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
            }

            note.Tried.TrySetResult();
        }
    }

    private async ValueTask<bool> TryWriteAsync(Note note, TimeSpan wait)
    {
        try
        {
            await _ledger.AppendAsync(note.Drafts, CancellationToken.None).ConfigureAwait(false);
            return true;
        }
        catch (MlopsException e) when (e is not MlopsStorageException)
        {
            // a rule said no: it will not say yes to the same entries later
            _logger.NotesRefused(note.Drafts.Length, e);
            return true;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _logger.NoteFailed(note.Drafts.Length, wait.TotalSeconds, e);
            return false;
        }
    }

    private sealed record Note(LedgerDraft[] Drafts)
    {
        internal TaskCompletionSource Tried { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
