"""Works a share through Debian's azure-storage-file-share, and prints what it saw as JSON."""

import json
import sys
from datetime import datetime, timedelta, timezone

from azure.core.exceptions import HttpResponseError
from azure.storage.fileshare import (
    AccountSasPermissions,
    ResourceTypes,
    ShareServiceClient,
    ShareSasPermissions,
    generate_account_sas,
    generate_share_sas,
)

endpoint, account, key, name = sys.argv[1:5]
service = ShareServiceClient(endpoint, credential={"account_name": account, "account_key": key}, retry_total=0)
seen = {}


def failure(call):
    try:
        call()
        return None
    except HttpResponseError as error:
        return [error.status_code, getattr(error.error_code, "value", error.error_code)]


share = service.create_share(name, metadata={"owner": "me"})
seen["shares"] = [item.name for item in service.list_shares(name_starts_with=name, include_metadata=True)]
seen["share"] = share.get_share_properties().metadata
seen["again"] = failure(lambda: share.create_share())

share.create_directory("a b")
directory = share.get_directory_client("a b")
data = bytes(range(256)) * 40_000
directory.upload_file("large ü+%.bin", data, length=len(data), max_concurrency=4)
client = directory.get_file_client("large ü+%.bin")
seen["large"] = client.download_file(max_concurrency=4).readall() == data
seen["range"] = list(client.download_file(offset=250, length=10).readall())
seen["size"] = client.get_file_properties().size

for index in range(5):
    share.get_file_client(f"f{index}").upload_file(b"x" * index)
# No prefix here: this client (12.11.0b1) sends another one with its second page.
seen["list"] = [
    [item["name"], item["is_directory"]]
    for item in share.list_directories_and_files(
        results_per_page=2, include=["timestamps", "etag", "attributes"]
    )
]

small = share.get_file_client("small")
small.create_file(5, metadata={"k": "v"})
small.upload_range(b"hello", offset=0, length=5)
seen["ranges"] = small.get_ranges()
seen["renamed"] = small.rename_file("renamed").download_file().readall().decode()
seen["gone"] = failure(lambda: small.get_file_properties())
copy = share.get_file_client("copy")
seen["copy"] = copy.start_copy_from_url(share.get_file_client("renamed").url)["copy_status"]
copy.get_file_properties()
seen["copied"] = copy.get_file_properties().copy.status
lease = copy.acquire_lease()
seen["leased"] = failure(lambda: copy.delete_file())
lease.release()
copy.delete_file()
seen["full"] = failure(lambda: share.delete_directory("a b"))
seen["missing"] = failure(lambda: share.get_file_client("no/x").download_file())

expiry = datetime.now(timezone.utc) + timedelta(hours=1)
seen["prefix"] = len(list(share.list_directories_and_files(name_starts_with="f")))
account_sas = generate_account_sas(account, key, ResourceTypes(object=True), AccountSasPermissions(read=True), expiry)
reader = ShareServiceClient(endpoint, credential=account_sas, retry_total=0).get_share_client(name)
seen["account_sas"] = reader.get_file_client("renamed").download_file().readall().decode()
seen["account_sas_write"] = failure(lambda: reader.get_file_client("renamed").delete_file())
share_sas = generate_share_sas(account, name, key, permission=ShareSasPermissions(list=True), expiry=expiry)
lister = ShareServiceClient(endpoint, credential=share_sas, retry_total=0).get_share_client(name)
seen["share_sas"] = len(list(lister.list_directories_and_files()))
seen["share_sas_read"] = failure(lambda: lister.get_file_client("renamed").download_file())
wrong = ShareServiceClient(endpoint, credential={"account_name": account, "account_key": "QUJD"}, retry_total=0)
seen["wrong_key"] = failure(lambda: list(wrong.list_shares()))

share.delete_share()
seen["deleted"] = failure(lambda: share.get_share_properties())
print(json.dumps(seen))
