using System.Security.Cryptography;

namespace Mlops.Sdk;

/// <summary>Hashes what passes and refuses the end when it was not what it should be.</summary>
internal sealed class VerifyingStream(Stream inner, Digest expected, Func<Digest, MlopsIntegrityException> refuse, bool leaveOpen = false) : ReadOnlyStream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private bool _verified;
    private MlopsIntegrityException? _refused;

    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer);
        Take(buffer[..read], buffer.Length);
        return read;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        Take(buffer.Span[..read], buffer.Length);
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            if (!leaveOpen)
            {
                inner.Dispose();
            }

            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Take(ReadOnlySpan<byte> read, int asked)
    {
        if (read.Length > 0)
        {
            _hash.AppendData(read);
        }
        else if (asked > 0 && !_verified)
        {
            _refused ??= Digest.FromHash(_hash.GetHashAndReset()) is var found && found == expected ? null : refuse(found);
            _verified = _refused is null ? true : throw _refused; // who reads on after the error gets it again
        }
    }
}
