using Microsoft.Win32.SafeHandles;

namespace Mlops.Sdk.Testing;

/// <content>Uploads and stages of the store behind, where it has them.</content>
public sealed partial class FaultInjectingObjectStore
{
    /// <inheritdoc/>
    public async ValueTask<IObjectUpload?> OpenUploadAsync(ObjectKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        if (inner is not IResumableObjectStore resumable)
        {
            return null;
        }

        StoreFault? fault = await BeforeAsync(StoreCalls.Append, key.Value, cancellationToken).ConfigureAwait(false);
        IObjectUpload? upload = await resumable.OpenUploadAsync(key, uploadId, cancellationToken).ConfigureAwait(false);
        if (upload is not null && fault == StoreFault.LostAnswer)
        {
            await upload.DisposeAsync().ConfigureAwait(false);
        }

        After(fault, key.Value);
        return upload is null ? null : new Upload(this, upload, key.Value);
    }

    /// <inheritdoc/>
    public async ValueTask<IStagedObject?> StageAsync(string? stageId = null, CancellationToken cancellationToken = default)
    {
        if (inner is not IStagingObjectStore staging)
        {
            return null;
        }

        string name = stageId ?? "a stage";
        StoreFault? fault = await BeforeAsync(StoreCalls.Append, name, cancellationToken).ConfigureAwait(false);
        IStagedObject? staged = await staging.StageAsync(stageId, cancellationToken).ConfigureAwait(false);
        if (staged is not null && fault == StoreFault.LostAnswer)
        {
            await staged.DisposeAsync().ConfigureAwait(false);
        }

        After(fault, name);
        return staged is null ? null : new Stage(this, staged, name);
    }

    private sealed class Upload(FaultInjectingObjectStore faults, IObjectUpload inner, string name) : IObjectUpload
    {
        public IReadOnlyList<UploadPart> Parts => inner.Parts;

        public async ValueTask AppendAsync(ReadOnlyMemory<byte> part, CancellationToken cancellationToken = default)
        {
            StoreFault? fault = await faults.BeforeAsync(StoreCalls.Append, name, cancellationToken).ConfigureAwait(false);
            await inner.AppendAsync(part, cancellationToken).ConfigureAwait(false);
            faults.After(fault, name);
        }

        public async ValueTask<PutResult> CompleteAsync(PutCondition condition = default, CancellationToken cancellationToken = default)
        {
            StoreFault? fault = await faults.BeforeAsync(StoreCalls.Put, name, cancellationToken).ConfigureAwait(false);
            PutResult result = await inner.CompleteAsync(condition, cancellationToken).ConfigureAwait(false);
            faults.After(fault, name);
            return result;
        }

        public ValueTask AbandonAsync(CancellationToken cancellationToken = default) => inner.AbandonAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class Stage(FaultInjectingObjectStore faults, IStagedObject inner, string name) : IStagedObject
    {
        public long Length => inner.Length;

        public async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
        {
            StoreFault? fault = await faults.BeforeAsync(StoreCalls.Append, name, cancellationToken).ConfigureAwait(false);
            await inner.AppendAsync(bytes, cancellationToken).ConfigureAwait(false);
            faults.After(fault, name);
        }

        public async ValueTask<long> AppendFileAsync(SafeFileHandle source, long offset, long length, CancellationToken cancellationToken = default)
        {
            StoreFault? fault = await faults.BeforeAsync(StoreCalls.Append, name, cancellationToken).ConfigureAwait(false);
            long copied = await inner.AppendFileAsync(source, offset, length, cancellationToken).ConfigureAwait(false);
            faults.After(fault, name);
            return copied;
        }

        public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(offset, buffer, cancellationToken);

        public ValueTask ClearAsync(CancellationToken cancellationToken = default) => inner.ClearAsync(cancellationToken);

        public async ValueTask<PutResult> PublishAsync(ObjectKey key, PutCondition condition = default, CancellationToken cancellationToken = default)
        {
            StoreFault? fault = await faults.BeforeAsync(StoreCalls.Put, key.Value, cancellationToken).ConfigureAwait(false);
            PutResult result = await inner.PublishAsync(key, condition, cancellationToken).ConfigureAwait(false);
            faults.After(fault, key.Value);
            return result;
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
