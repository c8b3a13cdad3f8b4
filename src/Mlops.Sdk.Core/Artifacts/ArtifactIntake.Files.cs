using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Microsoft.Win32.SafeHandles;

namespace Mlops.Sdk;

/// <content>Files: copied by the system where it can, and gone on with after a crash.</content>
internal sealed partial class ArtifactIntake
{
    private const long Step = 1L << 23;
    private const long ResumeFrom = 1L << 23; // what is shorter is soon sent again
    private const int PartLength = 1 << 23;
    private const int MaxParts = 40_000;

    internal async ValueTask<ArtifactInfo> WriteFileAsync(string path, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.SequentialScan);
        var state = new FileState(Path.GetFullPath(path), file);
        if (state.Length > Small && store is IStagingObjectStore staging)
        {
            IStagedObject? staged = await staging.StageAsync(state.Length >= ResumeFrom ? state.StageId : null, cancellationToken).ConfigureAwait(false);
            if (staged is not null)
            {
                await using (staged.ConfigureAwait(false))
                {
                    return await StageFileAsync(staged, state, progress, cancellationToken).ConfigureAwait(false);
                }
            }
        }

        if (state.Length >= ResumeFrom && store is IResumableObjectStore resumable && await UploadFileAsync(resumable, state, progress, cancellationToken).ConfigureAwait(false) is { } uploaded)
        {
            return uploaded;
        }

        var content = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan);
        await using (content.ConfigureAwait(false))
        {
            ArtifactInfo artifact = await WriteAsync(content, cancellationToken).ConfigureAwait(false);
            progress?.Report(artifact.Length);
            return artifact;
        }
    }

    /// <summary>The system copies, and another thread hashes behind it what has been staged, not what was read.</summary>
    private async ValueTask<ArtifactInfo> StageFileAsync(IStagedObject staged, FileState file, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await TakeUpAsync(staged, file, hash, cancellationToken).ConfigureAwait(false);
        long done = staged.Length;
        progress?.Report(done);
        var copied = Channel.CreateUnbounded<long>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        long from = done;
#pragma warning disable CA2025 // awaited below, whatever happens
        Task hashing = Task.Run(() => FollowAsync(staged, hash, from, copied.Reader, cancellationToken), CancellationToken.None);
#pragma warning restore CA2025
        try
        {
            while (done < file.Length && await staged.AppendFileAsync(file.Handle, done, Math.Min(Step, file.Length - done), cancellationToken).ConfigureAwait(false) is var count and > 0)
            {
                done += count;
                copied.Writer.TryWrite(done);
                progress?.Report(done);
            }
        }
        finally
        {
            copied.Writer.TryComplete();
            await hashing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await hashing.ConfigureAwait(false);
        if (done != file.Length || file.HasChanged)
        {
            await staged.ClearAsync(CancellationToken.None).ConfigureAwait(false);
            throw Changed($"'{file.Path}' was written to while it was stored.");
        }

        return await PublishAsync(staged, new ArtifactInfo(Digest.FromHash(hash.GetHashAndReset()), done), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Hashes what an earlier call has staged, beside the same part of the file: what differs is dropped.</summary>
    private static async ValueTask TakeUpAsync(IStagedObject staged, FileState file, IncrementalHash hash, CancellationToken cancellationToken)
    {
        long length = staged.Length;
        if (length == 0)
        {
            return;
        }

        bool same = length <= file.Length;
        if (same)
        {
            using var source = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Task<bool> reading = Task.Run(() => file.TryHash(source, 0, length, cancellationToken), cancellationToken);
            try
            {
                await FollowToAsync(staged, hash, 0, length, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            same = await reading.ConfigureAwait(false) && source.GetHashAndReset().AsSpan().SequenceEqual(hash.GetCurrentHash());
        }

        if (!same)
        {
            hash.GetHashAndReset();
            await staged.ClearAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task FollowAsync(IStagedObject staged, IncrementalHash hash, long from, ChannelReader<long> copied, CancellationToken cancellationToken)
    {
        await foreach (long to in copied.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            await FollowToAsync(staged, hash, from, to, cancellationToken).ConfigureAwait(false);
            from = to;
        }
    }

    private static async ValueTask FollowToAsync(IStagedObject staged, IncrementalHash hash, long from, long to, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            while (from < to)
            {
                int read = await staged.ReadAsync(from, buffer.AsMemory(0, (int)Math.Min(buffer.Length, to - from)), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    throw new EndOfStreamException($"Of {to} staged bytes only {from} can be read."); // a defect of the store: nothing may get a name
                }

                hash.AppendData(buffer.AsSpan(0, read));
                from += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Sends a file in parts; those that are durable already are compared with it and not sent again. Null when the store cannot.</summary>
    private async ValueTask<ArtifactInfo?> UploadFileAsync(IResumableObjectStore resumable, FileState file, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        bool whole = await Task.Run(() => file.TryHash(hash, 0, file.Length, cancellationToken), cancellationToken).ConfigureAwait(false);
        var artifact = new ArtifactInfo(Digest.FromHash(hash.GetHashAndReset()), file.Length);
        if (!whole)
        {
            throw Changed($"'{file.Path}' was written to while it was stored.");
        }

        if (await IsThereAsync(artifact, cancellationToken).ConfigureAwait(false))
        {
            return artifact;
        }

        IObjectUpload? upload = await resumable.OpenUploadAsync(ArtifactKeys.Of(artifact.Digest), artifact.Digest.Hex, cancellationToken).ConfigureAwait(false);
        if (upload is null)
        {
            return null;
        }

        await using (upload.ConfigureAwait(false))
        {
            long done = upload.Parts.Sum(p => (long)p.Length);
            if (!await Task.Run(() => AreSame(upload.Parts, file, hash, cancellationToken), cancellationToken).ConfigureAwait(false))
            {
                await upload.AbandonAsync(cancellationToken).ConfigureAwait(false);
                hash.GetHashAndReset();
                done = 0;
            }

            progress?.Report(done);
            await SendAsync(upload, file, hash, done, progress, cancellationToken).ConfigureAwait(false);
            if (Digest.FromHash(hash.GetHashAndReset()) != artifact.Digest)
            {
                await upload.AbandonAsync(CancellationToken.None).ConfigureAwait(false);
                throw Changed($"'{file.Path}' was written to while it was stored.");
            }

            await upload.CompleteAsync(PutCondition.Any, cancellationToken).ConfigureAwait(false);
            return artifact;
        }
    }

    private static async ValueTask SendAsync(IObjectUpload upload, FileState file, IncrementalHash hash, long done, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        int size = (int)Math.Max(PartLength, (file.Length / MaxParts) + 1);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            while (done < file.Length)
            {
                int filled = file.Read(buffer.AsSpan(0, (int)Math.Min(size, file.Length - done)), done);
                if (filled == 0)
                {
                    return; // shorter than it was: the digest tells
                }

                ValueTask sending = upload.AppendAsync(buffer.AsMemory(0, filled), cancellationToken);
                hash.AppendData(buffer.AsSpan(0, filled));
                await sending.ConfigureAwait(false);
                done += filled;
                progress?.Report(done);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static bool AreSame(IReadOnlyList<UploadPart> parts, FileState file, IncrementalHash hash, CancellationToken cancellationToken)
    {
        long offset = 0;
        foreach (UploadPart part in parts)
        {
            using var own = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            if (part.Offset != offset || part.Length <= 0 || offset + part.Length > file.Length || !file.TryHash(own, offset, part.Length, cancellationToken, hash)
                || Digest.FromHash(own.GetHashAndReset()) != part.Digest)
            {
                return false;
            }

            offset += part.Length;
        }

        return true;
    }

    /// <summary>A file as it was when it was opened.</summary>
    private sealed class FileState(string path, SafeFileHandle handle)
    {
        private readonly DateTime _modified = File.GetLastWriteTimeUtc(handle);

        internal string Path => path;

        internal SafeFileHandle Handle => handle;

        internal long Length { get; } = RandomAccess.GetLength(handle);

        /// <summary>Gets what the staged copy is found by: a file that was changed since is another one.</summary>
        internal string StageId => Digest.Of(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{path}|{Length}|{_modified.Ticks}"))).Hex;

        internal bool HasChanged => RandomAccess.GetLength(handle) != Length || File.GetLastWriteTimeUtc(handle) != _modified;

        /// <summary>Fills a buffer; less only at the end of the file.</summary>
        internal int Read(Span<byte> buffer, long offset)
        {
            int filled = 0;
            while (filled < buffer.Length && RandomAccess.Read(handle, buffer[filled..], offset + filled) is var read and > 0)
            {
                filled += read;
            }

            return filled;
        }

        /// <summary>Hashes a part; false when the file ends before.</summary>
        internal bool TryHash(IncrementalHash hash, long offset, long length, CancellationToken cancellationToken, IncrementalHash? too = null)
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(Block);
            try
            {
                for (long done = 0; done < length;)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    int read = Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - done)), offset + done);
                    if (read == 0)
                    {
                        return false;
                    }

                    hash.AppendData(buffer.AsSpan(0, read));
                    too?.AppendData(buffer.AsSpan(0, read));
                    done += read;
                }

                return true;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
