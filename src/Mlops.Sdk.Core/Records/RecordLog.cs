namespace Mlops.Sdk;

/// <summary>One log of high-volume records. Thread-safe.</summary>
/// <remarks>
/// <see cref="Append(ReadOnlySpan{byte})"/> copies the record into memory and returns. A segment is written when it is full, old or flushed, by one
/// background task per log; memory is bounded by <see cref="RecordLogOptions.MaxBufferedBytes"/>. A process that is killed loses at most what was
/// appended since the last segment was closed; nothing of a segment is ever half there. While the store fails, segments wait in memory and are tried
/// again, after one second at first and a minute at last, and at every flush.
/// </remarks>
public sealed partial class RecordLog : IAsyncDisposable
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromMinutes(1);
    private readonly RecordLogs _logs;
    private readonly RecordLogOptions _options;
    private readonly KeyValuePair<string, object?> _tag;
    private readonly Lock _gate = new();
    private readonly Queue<SealedSegment> _sealed = new();
    private readonly List<(long Target, TaskCompletionSource Done)> _flushes = [];
    private readonly ITimer _ageTimer;
    private readonly ITimer _retryTimer;
    private SegmentBuffer _open = new();
    private TaskCompletionSource? _room;
    private string? _writer;            // these three are used by the writing task alone
    private Digest? _previous;
    private int _nextSegment;
    private long _sealedBytes;
    private long _sealedCount;
    private long _committedCount;
    private long _dropped;
    private TimeSpan _retry = FirstRetry;
    private bool _writing;
    private bool _closed;

    internal RecordLog(RecordLogs logs, string name, RecordLogOptions options)
    {
        (_logs, Name, _options, _tag) = (logs, name, options, RecordMeter.Tag(name));
        _ageTimer = logs.Time.CreateTimer(static log => ((RecordLog)log!).Seal(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _retryTimer = logs.Time.CreateTimer(static log => ((RecordLog)log!).Retry(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Gets the log's name.</summary>
    public string Name { get; }

    /// <summary>Gets how many records found no room since the log was opened here.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Appends a record with the present time. Never waits.</summary>
    /// <param name="record">The bytes, at most 16 MiB; copied.</param>
    /// <returns>True when the record was taken; false when <see cref="RecordLogOptions.MaxBufferedBytes"/> are waiting already: the record is dropped and counted.</returns>
    /// <exception cref="MlopsDataException">The record is too long; code <c>records.too_large</c>.</exception>
    public bool Append(ReadOnlySpan<byte> record) => Append(record, _logs.Time.GetUtcNow());

    /// <summary>Appends a record with a time of its own. Never waits.</summary>
    /// <param name="record">The bytes, at most 16 MiB; copied.</param>
    /// <param name="time">The record's time; kept in UTC to 100 ns.</param>
    /// <returns>True when the record was taken; false when it was dropped and counted.</returns>
    /// <exception cref="MlopsDataException">The record is too long; code <c>records.too_large</c>.</exception>
    public bool Append(ReadOnlySpan<byte> record, DateTimeOffset time)
    {
        if (TryAdd(record, time, out _))
        {
            return true;
        }

        Interlocked.Increment(ref _dropped);
        RecordMeter.Dropped.Add(1, _tag);
        return false;
    }

    /// <summary>Appends a record with the present time if there is room. Never waits, and drops and counts nothing: the caller keeps the record.</summary>
    /// <param name="record">The bytes, at most 16 MiB; copied.</param>
    /// <returns>Whether the record was taken.</returns>
    /// <exception cref="MlopsDataException">The record is too long; code <c>records.too_large</c>.</exception>
    public bool TryAppend(ReadOnlySpan<byte> record) => TryAdd(record, _logs.Time.GetUtcNow(), out _);

    /// <summary>Appends a record with the present time and waits for room where there is none. Nothing is dropped.</summary>
    /// <param name="record">The bytes, at most 16 MiB; copied before the call returns its task unless it has to wait.</param>
    /// <param name="cancellationToken">Stops the waiting; the record is then not taken.</param>
    /// <returns>A task that ends when the record was taken; mostly at once.</returns>
    /// <exception cref="MlopsDataException">The record is too long; code <c>records.too_large</c>.</exception>
    /// <exception cref="MlopsStorageException">There was no room, and the store failed when room was to be made.</exception>
    public ValueTask AppendAsync(ReadOnlyMemory<byte> record, CancellationToken cancellationToken = default)
    {
        DateTimeOffset time = _logs.Time.GetUtcNow();
        return TryAdd(record.Span, time, out Task? room) ? ValueTask.CompletedTask : WaitAsync(record, time, room!, cancellationToken);
    }

    /// <summary>Makes every record that was taken before the call durable and names it on the ledger, where readers of every process find it.</summary>
    /// <param name="cancellationToken">Stops the waiting, not the writing.</param>
    /// <returns>A task that ends when that is done.</returns>
    /// <exception cref="MlopsException">The store or the ledger failed. The records stay in memory and are tried again.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        TaskCompletionSource? done = null;
        lock (_gate)
        {
            SealLocked();
            if (_committedCount < _sealedCount)
            {
                _flushes.Add((_sealedCount, done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
                StartWritingLocked();
            }
        }

        if (done is not null)
        {
            await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Flushes and closes the log. When the store fails meanwhile, what was not written is lost and the error is raised.</summary>
    /// <returns>A task that ends when everything is durable.</returns>
    /// <exception cref="MlopsException">The store or the ledger failed.</exception>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
        }

        try
        {
            await FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            await _ageTimer.DisposeAsync().ConfigureAwait(false);
            await _retryTimer.DisposeAsync().ConfigureAwait(false);
            lock (_gate)
            {
                _open.Dispose();
                if (!_writing)
                {
                    while (_sealed.TryDequeue(out SealedSegment? left))
                    {
                        left.Buffer.Dispose();
                    }
                }
            }
        }
    }

    private bool TryAdd(ReadOnlySpan<byte> record, DateTimeOffset time, out Task? room)
    {
        if (record.Length > RecordLogOptions.MaxRecordBytes)
        {
            throw new MlopsDataException("records.too_large", $"A record of the log '{Name}' has {record.Length} bytes, {RecordLogOptions.MaxRecordBytes} are allowed. Store what is large as an artifact and record its digest.");
        }

        room = null;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            long waiting = _sealedBytes + _open.Length;
            if (waiting > 0 && waiting + record.Length + SegmentBuffer.MaxOverhead > _options.MaxBufferedBytes)
            {
                SealLocked();
                StartWritingLocked();
                room = (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                return false;
            }

            if (_open.Records == 0)
            {
                _ageTimer.Change(_options.SegmentAge, Timeout.InfiniteTimeSpan);
            }

            _open.Add(record, time.UtcTicks);
            if (_open.Length >= _options.SegmentBytes || _open.Records >= _options.SegmentRecords)
            {
                SealLocked();
                StartWritingLocked();
            }
        }

        return true;
    }

    private async ValueTask WaitAsync(ReadOnlyMemory<byte> record, DateTimeOffset time, Task room, CancellationToken cancellationToken)
    {
        do
        {
            await room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        while (!TryAdd(record.Span, time, out room!));
    }

    private void Seal()
    {
        lock (_gate)
        {
            SealLocked();
            if (_sealed.Count > 0)
            {
                StartWritingLocked();
            }
        }
    }

    private void Retry()
    {
        lock (_gate)
        {
            if (_sealed.Count > 0)
            {
                StartWritingLocked();
            }
        }
    }

    private void SealLocked()
    {
        if (_open.Records == 0)
        {
            return;
        }

        _sealed.Enqueue(new SealedSegment(_open));
        _sealedBytes += _open.Length;
        _sealedCount++;
        _open = new SegmentBuffer();
    }

    private void StartWritingLocked()
    {
        if (!_writing && _sealed.Count > 0)
        {
            _writing = true;
            _ = Task.Run(WriteAsync);
        }
    }

    /// <summary>Writes what is sealed until nothing is left or the store fails.</summary>
    private async Task WriteAsync()
    {
        while (true)
        {
            SealedSegment[] batch;
            lock (_gate)
            {
                batch = [.. _sealed];
                if (batch.Length == 0)
                {
                    _writing = false;
                    return;
                }
            }

            try
            {
                await WriteAsync(batch).ConfigureAwait(false);
            }
#pragma warning disable CA1031 // whatever it was reaches those who wait; the task itself has nobody to tell
            catch (Exception error)
#pragma warning restore CA1031
            {
                Fail(error);
                return;
            }

            Succeed(batch.Length);
        }
    }

    private async ValueTask WriteAsync(SealedSegment[] batch)
    {
        await _logs.AttachAsync(CancellationToken.None).ConfigureAwait(false);
        foreach (SealedSegment segment in batch)
        {
            for (int tries = 0; !segment.Written; tries++)
            {
                if (segment.Bytes is null)
                {
                    Encode(segment);
                }

                segment.Written = await TryPutAsync(segment).ConfigureAwait(false);
                if (!segment.Written)
                {
                    // somebody has this writer's id too, as where ids are not random: go on as another writer
                    string key = segment.Note!.Key;
                    (_writer, _previous, _nextSegment, segment.Bytes) = (null, null, 0, null);
                    if (tries == 8)
                    {
                        throw Corrupt(key, "another segment than the one to be written has its key, and the ids that the IIdGenerator makes are all taken");
                    }
                }
            }
        }

        // each is an append of its own, so that repeating one repeats it whole; appends at the same time share a commit
        await Task.WhenAll(batch.Select(s => CommitAsync(s.Note!, s.Decoded!, CancellationToken.None))).ConfigureAwait(false);
    }

    private void Encode(SealedSegment segment)
    {
        if (_writer is null)
        {
            string id = _logs.Ids.NewId();
            _writer = RecordKeys.IsWriter(id) ? id : Digest.Of(System.Text.Encoding.UTF8.GetBytes(id)).Hex;
        }

        SegmentBuffer buffer = segment.Buffer;
        var header = new SegmentHeader(Name, _writer, _nextSegment, _previous, _options.Compression, buffer.Records, buffer.Length, buffer.FromTicks, buffer.ToTicks);
        (segment.Bytes, Digest digest) = SegmentCodec.Write(header, buffer.Written.Span);
        segment.Note = NoteOf(header, digest, segment.Bytes.Length);
        segment.Decoded = new DecodedSegment(header, buffer.Written, digest);
        (_previous, _nextSegment) = (digest, _nextSegment + 1);
    }

    /// <summary>Writes a segment, or finds that it is there already because the answer to an earlier write was lost.</summary>
    /// <returns>False when another segment has its key.</returns>
    private async ValueTask<bool> TryPutAsync(SealedSegment segment)
    {
        ObjectKey key = ObjectKey.Parse(segment.Note!.Key);
        using var content = new MemoryStream(segment.Bytes!, 0, segment.Bytes!.Length, writable: false, publiclyVisible: true);
        if ((await _logs.Store.PutAsync(key, content, PutCondition.IfAbsent).ConfigureAwait(false)).Written)
        {
            return true;
        }

        byte[] there = await ReadObjectAsync(key.Value, SegmentCodec.MaxObject, CancellationToken.None).ConfigureAwait(false)
            ?? throw new MlopsStorageException("store.unavailable", $"The {_logs.Store.Description} said that '{key}' is there already, and then that it is not. The segment stays in memory and is tried again.");
        if (Digest.Of(there) == segment.Note.Digest)
        {
            return true;
        }

        try
        {
            SegmentCodec.Read(there, key.Value); // only an intact one is another's: a bad reading of our own must not make us write it twice
            return false;
        }
        catch (FormatException error)
        {
            throw Corrupt(key.Value, error.Message, error);
        }
    }

    /// <summary>Names a segment on the ledger, with what goes along with it, once.</summary>
    private async Task CommitAsync(RecordSegmentNote note, DecodedSegment segment, CancellationToken cancellationToken)
    {
        List<LedgerDraft> drafts =
        [
            new(LedgerKinds.RecordsRolled, new LedgerResource(RecordLogs.ResourceKind, Name), "A segment of records was closed.", LedgerData.Of(note))
            {
                Actor = Actor.System,
                Id = $"records-{Digest.Of(System.Text.Encoding.UTF8.GetBytes(note.Key)).Hex}",
            },
        ];
        if (_options.Accompany is { } accompany)
        {
            drafts.AddRange(accompany(new RecordSegment(note, segment.Records())));
        }

        (string writer, int number) = (segment.Header.Writer, segment.Header.Segment);
        await _logs.Ledger.AppendAsync($"records:{note.Key}", () => _logs.Index.Find(Name, writer, number) is null ? drafts : [], cancellationToken).ConfigureAwait(false);
    }

    private void Succeed(int count)
    {
        long records = 0;
        TaskCompletionSource? room;
        List<TaskCompletionSource> flushed;
        lock (_gate)
        {
            for (int i = 0; i < count; i++)
            {
                SealedSegment done = _sealed.Dequeue();
                records += done.Buffer.Records;
                _sealedBytes -= done.Buffer.Length;
                done.Buffer.Dispose();
            }

            _committedCount += count;
            _retry = FirstRetry;
            (room, _room) = (_room, null);
            flushed = [.. _flushes.Where(f => f.Target <= _committedCount).Select(f => f.Done)];
            _flushes.RemoveAll(f => f.Target <= _committedCount);
        }

        RecordMeter.Written.Add(records, _tag);
        RecordMeter.Segments.Add(count, _tag);
        room?.TrySetResult();
        flushed.ForEach(f => f.TrySetResult());
    }

    private void Fail(Exception error)
    {
        TaskCompletionSource? room;
        List<TaskCompletionSource> waiting;
        lock (_gate)
        {
            _writing = false;
            (room, _room) = (_room, null);
            waiting = [.. _flushes.Select(f => f.Done)];
            _flushes.Clear();
            if (!_closed)
            {
                _retryTimer.Change(_retry, Timeout.InfiniteTimeSpan);
                _retry = TimeSpan.FromTicks(Math.Min(LastRetry.Ticks, _retry.Ticks * 2));
            }
        }

        if (room is not null)
        {
            room.TrySetException(error);
            _ = room.Task.Exception; // there may be nobody left who waits
        }

        foreach (TaskCompletionSource flush in waiting)
        {
            flush.TrySetException(error);
            _ = flush.Task.Exception;
        }
    }

    private RecordSegmentNote NoteOf(SegmentHeader header, Digest digest, long bytes) => new(Name, RecordKeys.Of(Name, header.Writer, header.Segment), digest, header.Records, bytes)
    {
        From = new DateTimeOffset(header.FromTicks, TimeSpan.Zero),
        To = new DateTimeOffset(header.ToTicks, TimeSpan.Zero),
    };

    /// <summary>A segment that takes no more records.</summary>
    private sealed class SealedSegment(SegmentBuffer buffer)
    {
        internal SegmentBuffer Buffer => buffer;

        internal byte[]? Bytes { get; set; }

        internal RecordSegmentNote? Note { get; set; }

        internal DecodedSegment? Decoded { get; set; }

        internal bool Written { get; set; }
    }
}
