using System.Xml;
using Azure;
using Azure.Storage.Blobs.Models;

namespace Mlops.Sdk.Azure;

/// <content>What the service says, as errors of a store.</content>
public sealed partial class AzureBlobObjectStore
{
    private static bool IsAbsent(RequestFailedException refusal) => refusal.Status == 404 && refusal.ErrorCode == BlobErrorCode.BlobNotFound;

    /// <summary>A lease that somebody else holds is a 412 too and no condition of ours.</summary>
    private static bool IsConditionNotMet(RequestFailedException refusal) =>
        (refusal.Status == 412 && refusal.ErrorCode == BlobErrorCode.ConditionNotMet) || (refusal.Status == 409 && refusal.ErrorCode == BlobErrorCode.BlobAlreadyExists);

    /// <summary>Runs a call; makes the container at the first one when it is not there; says failures in the words of stores.</summary>
    private async ValueTask<T> GuardedAsync<T>(string what, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            T result;
            try
            {
                result = await work(cancellationToken).ConfigureAwait(false);
            }
            catch (RequestFailedException missing) when (_createContainer && !_containerSeen && missing.ErrorCode == BlobErrorCode.ContainerNotFound)
            {
                await _container.CreateIfNotExistsAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
                result = await work(cancellationToken).ConfigureAwait(false);
            }

            _containerSeen = true;
            return result;
        }
        catch (Exception error) when (IsOfTheMedium(error, cancellationToken))
        {
            throw Explain(what, error, cancellationToken);
        }
    }

    private static Exception CauseOf(Exception error) => error is AggregateException { InnerExceptions: [.., var last] } ? last : error; // one for each attempt

    private static bool IsLost(Exception cause) => cause is OperationCanceledException or IOException or HttpRequestException or XmlException or RequestFailedException { Status: 0 }; // XML: something else than the service answered, a proxy perhaps

    private static bool IsOfCredential(Exception cause) => cause.GetType().FullName?.StartsWith("Azure.Identity.", StringComparison.Ordinal) == true;

    /// <summary>Not of the medium are cancellation by the caller and errors that have been explained.</summary>
    private static bool IsOfTheMedium(Exception error, CancellationToken cancellationToken) =>
        !(error is OperationCanceledException && cancellationToken.IsCancellationRequested)
        && CauseOf(error) is var cause && (IsLost(cause) || cause is RequestFailedException || IsOfCredential(cause));

    private Exception Explain(string what, Exception error, CancellationToken cancellationToken) => CauseOf(error) switch
    {
        var cause when IsLost(cause) && cancellationToken.IsCancellationRequested => new OperationCanceledException("The call was stopped.", error, cancellationToken),
        var cause when IsLost(cause) => new MlopsStorageException("store.unavailable", $"Cannot {what} the {Description}: the service does not answer. Look at network, address and the service's health, and try again; whether a write took effect is not known.", error),
        RequestFailedException refusal => Explain(what, refusal),
        _ => new MlopsStorageException("store.access_denied", $"Cannot {what} the {Description}: the credential gives no token. Sign in, or give the process an identity.", error),
    };

    private MlopsStorageException Explain(string what, RequestFailedException refusal)
    {
        string start = $"Cannot {what} the {Description}:";
        string said = $"the service answered {refusal.Status}{(string.IsNullOrEmpty(refusal.ErrorCode) ? string.Empty : $" {refusal.ErrorCode}")}";
        string? code = refusal.ErrorCode;
        if (code == BlobErrorCode.ContainerNotFound || code == BlobErrorCode.ContainerBeingDeleted || code == BlobErrorCode.ContainerDisabled)
        {
            string todo = _containerSeen
                ? "It was there before: find out who removed it and restore it. It is not made anew, since an empty store would look like one where nothing ever happened"
                : "Make it, or set AzureBlobOptions.CreateContainer";
            return new MlopsStorageException("store.no_container", $"{start} there is no such container ({said}). {todo}.", refusal);
        }

        if (code == BlobErrorCode.LeaseIdMissing || code == BlobErrorCode.LeaseIdMismatchWithBlobOperation)
        {
            return new MlopsStorageException("store.access_denied", $"{start} somebody holds a lease on it ({said}). Break the lease, or wait until it ends.", refusal);
        }

        if (code == BlobErrorCode.BlobArchived || code == BlobErrorCode.BlobBeingRehydrated)
        {
            return new MlopsStorageException("store.unavailable", $"{start} it is in the archive tier ({said}). Rehydrate it, and take the container out of the rule that archived it.", refusal);
        }

        if (code is "BlobImmutableDueToPolicy" or "BlobImmutableDueToLegalHold")
        {
            return new MlopsStorageException("store.access_denied", $"{start} an immutability policy or a legal hold forbids it ({said}).", refusal);
        }

        if (code == BlobErrorCode.InvalidBlobType)
        {
            return new MlopsStorageException("store.invalid_key", $"{start} the name belongs to an append or page blob that another program wrote ({said}). Choose another key, or give the store a container or prefix of its own.", refusal);
        }

        return refusal.Status switch
        {
            401 or 403 => new MlopsStorageException("store.access_denied", $"{start} this process may not ({said}). Give its identity the role Storage Blob Data Contributor, or look at key, signature, expiry, clock and the account's firewall.", refusal),
            413 => new MlopsStorageException("store.full", $"{start} it is too long for the service ({said}). Nothing was written.", refusal),
            507 => new MlopsStorageException("store.full", $"{start} there is no room ({said}). Free space and try again; nothing was written.", refusal),
            409 when code?.Contains("Quota", StringComparison.OrdinalIgnoreCase) == true =>
                new MlopsStorageException("store.full", $"{start} a quota is used up ({said}). Raise it, or free space, and try again; nothing was written.", refusal),
            404 => new MlopsStorageException("store.unavailable", $"{start} {said}. Look whether the address is that of a blob container.", refusal),
            408 or 429 or >= 500 => new MlopsStorageException("store.unavailable", $"{start} {said} and went on doing so. Try again later; when it throttles, send less at once.", refusal),
            _ => new MlopsStorageException("store.unavailable", $"{start} {said}. The request does not fit the service; see the inner error.", refusal),
        };
    }
}
